// RunningHub over HTTP: what is asked where, what is asked twice, what is never sent twice, and when the
// provider is left alone.
#include "native/provider/runninghub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "native/log.hpp"
#include "native/stopwatch.hpp"
#include "tests/support/scripted_server.hpp"

namespace jobwatchdog::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Kind = ProviderQuestion::Kind;
using Said = Verdict::Kind;

constexpr const char* canary = "CANARY3f9a77b2";
constexpr const char* task = "2009191190196789249";
constexpr const char* failed_reply =
    R"({"taskId":"2009191190196789249","status":"FAILED","errorCode":"1000","errorMessage":"unknown error"})";
constexpr const char* running_reply = R"({"taskId":"2009191190196789249","status":"RUNNING","errorCode":""})";
constexpr const char* success_reply =
    R"({"taskId":"2009191190196789249","status":"SUCCESS","results":[{"url":"https://a.b/o.png"}]})";

std::string path_of(const std::string& request) {
  const std::size_t from = request.find(' ') + 1;
  return request.substr(from, request.find(' ', from) - from);
}

nlohmann::json body_of(const std::string& request) {
  return nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

/// A provider before a server that answers the n-th request with the n-th of its replies, and the last for
/// ever.
class World {
 public:
  explicit World(std::vector<ScriptedReply> replies, int requests_at_once_max = 8)
      : replies_(std::move(replies)), server_([this](const std::string&) { return next(); }) {
    [[maybe_unused]] static const bool is_configured = (configure_log({}), true);
    options_.query_timeout = seconds(5);
    options_.submit_timeout = seconds(5);
    options_.circuit = {3, {minutes(10), minutes(10), 0}};
    start(requests_at_once_max);
  }

  void start(int requests_at_once_max = 8) {
    provider_ = std::make_unique<RunningHub>(
        std::vector<ProviderAccount>{{"main", server_.url(), Secret{canary}, requests_at_once_max}},
        options_);
  }

  ProviderAnswer ask(ProviderQuestion question) {
    provider_->ask(std::move(question));
    std::vector<ProviderAnswer> answers;
    while (answers.empty()) answers = provider_->wait(seconds(30));
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(provider_->under_way(), 0U);
    expect_without_key(answers.at(0));
    return answers.at(0);
  }

  static void expect_without_key(const ProviderAnswer& answer) {
    EXPECT_TRUE(nlohmann::json::accept(answer.words)) << answer.words;
    EXPECT_THAT(answer.words + answer.verdict.message + answer.verdict.code + answer.submission.message +
                    answer.submission.code + answer.file_name + answer.webhook.response +
                    answer.webhook.status,
                Not(HasSubstr(canary)));
  }

  std::vector<std::string> paths() {
    std::vector<std::string> paths;
    for (const std::string& request : server_.requests()) paths.push_back(path_of(request));
    return paths;
  }

  ScriptedServer& server() { return server_; }
  RunningHub& provider() { return *provider_; }
  RunningHubOptions& options() { return options_; }

 private:
  ScriptedReply next() {
    const std::size_t at = std::min(next_++, replies_.size() - 1);
    return replies_[at];
  }

  std::vector<ScriptedReply> replies_;
  std::size_t next_{0};
  RunningHubOptions options_;
  ScriptedServer server_;
  std::unique_ptr<RunningHub> provider_;
};

ProviderQuestion question(Kind kind) {
  ProviderQuestion question;
  question.number = 42;
  question.kind = kind;
  question.account = "main";
  question.task_id = task;
  if (kind == Kind::submit) {
    question.task_id = "";
    question.app_id = "2015865378030755841";
    question.inputs = {{"122", "prompt", "a \"cat\""}, {"27", "image", "api/x.png"}};
    question.webhook_url = "https://a.b/functions/v1/runninghub-webhook/token";
  }
  if (kind == Kind::upload) {
    question.file_name = "a.png";
    question.file_content = std::make_shared<const std::string>("\x89PNG\0", 5);
  }
  return question;
}

const ScriptedReply hang_up{"", true, false};

// What is asked, and where.

TEST(runninghub, a_submit_goes_to_v2_with_its_inputs_as_texts_and_the_key_in_the_header_only) {
  World world{{http_reply(200, R"({"taskId":"1907035719658053634","status":"RUNNING","errorCode":""})")}};
  const ProviderAnswer answer = world.ask(question(Kind::submit));
  EXPECT_EQ(answer.number, 42U);
  EXPECT_EQ(answer.submission.kind, Submission::Kind::accepted);
  EXPECT_EQ(answer.submission.task_id, "1907035719658053634");
  const std::string request = world.server().requests().at(0);
  EXPECT_EQ(path_of(request), "/openapi/v2/run/ai-app/2015865378030755841");
  EXPECT_THAT(request, HasSubstr(std::string{"Authorization: Bearer "} + canary + "\r\n"));
  EXPECT_EQ(body_of(request), nlohmann::json::parse(R"({"nodeInfoList":[
      {"nodeId":"122","fieldName":"prompt","fieldValue":"a \"cat\""},{"nodeId":"27","fieldName":"image","fieldValue":"api/x.png"}],
      "instanceType":"default","usePersonalQueue":false,"webhookUrl":"https://a.b/functions/v1/runninghub-webhook/token"})"));
}

TEST(runninghub, a_query_goes_to_v2) {
  World world{{http_reply(200, success_reply)}};
  const ProviderAnswer answer = world.ask(question(Kind::query));
  EXPECT_EQ(answer.verdict.kind, Said::succeeded);
  EXPECT_THAT(answer.verdict.output_urls, ElementsAre("https://a.b/o.png"));
  EXPECT_THAT(answer.words, HasSubstr("SUCCESS"));
  EXPECT_EQ(body_of(world.server().requests().at(0)), nlohmann::json({{"taskId", task}}));
  EXPECT_THAT(world.paths(), ElementsAre("/openapi/v2/query"));
}

TEST(runninghub, an_endpoint_that_is_not_there_is_asked_for_in_v1) {
  for (const ScriptedReply& missing : {http_reply(404, "<html>not here</html>"), http_reply(405, ""),
                                       http_reply(404, R"({"code":404,"msg":"no"})")}) {
    World world{{missing, http_reply(200, R"({"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null})")}};
    EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, Said::alive_running);
    EXPECT_THAT(world.paths(), ElementsAre("/openapi/v2/query", "/task/openapi/outputs"));
    EXPECT_EQ(body_of(world.server().requests().at(1)),
              nlohmann::json({{"taskId", task}, {"apiKey", canary}}));
    EXPECT_THAT(world.server().requests().at(1), Not(HasSubstr("Authorization")));
  }
}

TEST(runninghub, an_ordinary_failure_is_not_asked_again_in_v1) {
  for (const ScriptedReply& reply :
       {http_reply(500, ""), http_reply(404, R"({"errorCode":"1004"})"), http_reply(401, "{}"),
        http_reply(200, R"({"errorCode":"1002"})"), http_reply(429, "")}) {
    World world{{reply}};
    static_cast<void>(world.ask(question(Kind::query)));
    EXPECT_THAT(world.paths(), ElementsAre("/openapi/v2/query")) << reply.bytes;
  }
  World world{{http_reply(404, "")}};
  const ProviderAnswer answer = world.ask(question(Kind::query));
  EXPECT_EQ(answer.verdict.kind, Said::unknown) << "neither is there";
  EXPECT_TRUE(answer.verdict.needs_person);
  EXPECT_EQ(world.paths().size(), 2U);
}

TEST(runninghub, cancel_and_webhook_detail_go_to_v1) {
  World world{
      {http_reply(200, R"({"code":0,"msg":"success","data":null})"),
       http_reply(200, R"({"code":807,"msg":"APIKEY_TASK_NOT_FOUND","data":null})"),
       http_reply(
           200, R"({"code":0,"data":{"callbackStatus":"FAILED","callbackResponse":"502","retryCount":3}})")}};
  EXPECT_TRUE(world.ask(question(Kind::cancel)).was_accepted);
  EXPECT_FALSE(world.ask(question(Kind::cancel)).was_accepted);
  EXPECT_EQ(world.ask(question(Kind::webhook_detail)).webhook.retry_count, 3);
  EXPECT_THAT(world.paths(),
              ElementsAre("/task/openapi/cancel", "/task/openapi/cancel", "/task/openapi/getWebhookDetail"));
}

TEST(runninghub, a_file_is_uploaded_to_v2_or_else_to_v1) {
  World world{{http_reply(404, ""),
               http_reply(200, R"({"code":0,"data":{"fileName":"api/9d77.png","fileType":"input"}})")}};
  const ProviderAnswer answer = world.ask(question(Kind::upload));
  EXPECT_TRUE(answer.was_accepted);
  EXPECT_EQ(answer.file_name, "api/9d77.png");
  EXPECT_THAT(world.paths(), ElementsAre("/openapi/v2/media/upload/binary", "/task/openapi/upload"));
  EXPECT_THAT(world.server().requests().at(0),
              AllOf(HasSubstr(std::string{"\x89PNG\0", 5}), HasSubstr("Authorization: Bearer"),
                    Not(HasSubstr("name=\"apiKey\""))));
  EXPECT_THAT(world.server().requests().at(1),
              AllOf(HasSubstr("name=\"apiKey\""), HasSubstr("name=\"fileType\"\r\n\r\ninput"),
                    Not(HasSubstr("Authorization"))));
}

TEST(runninghub, what_cannot_be_asked_is_told_at_once) {
  World world{{http_reply(200, success_reply)}};
  ProviderQuestion strange = question(Kind::query);
  strange.task_id = "1/../../task";
  EXPECT_TRUE(world.ask(strange).verdict.needs_person);
  strange = question(Kind::submit);
  strange.app_id = "1?x=y";
  EXPECT_EQ(world.ask(strange).submission.kind, Submission::Kind::refused);
  strange = question(Kind::submit);
  strange.account = "nobody";
  const ProviderAnswer answer = world.ask(strange);
  EXPECT_EQ(answer.submission.kind, Submission::Kind::not_sent);
  EXPECT_TRUE(answer.submission.needs_person);
  EXPECT_TRUE(world.server().requests().empty());
}

// A failure is read twice.

TEST(runninghub, a_failure_is_read_twice_before_it_is_believed) {
  const std::string ok = R"({"code":804})";
  World twice{{http_reply(200, failed_reply)}};
  EXPECT_EQ(twice.ask(question(Kind::query)).verdict.kind, Said::failed);
  EXPECT_EQ(twice.paths().size(), 2U);
  const std::vector<std::pair<ScriptedReply, Said>> second_words{
      {http_reply(200, running_reply), Said::alive_running},
      {http_reply(200, success_reply), Said::succeeded},
      {http_reply(200, R"({"errorCode":"1004"})"), Said::not_found},
      {http_reply(500, failed_reply), Said::unknown},
      {http_reply(404, ""), Said::unknown},
      {hang_up, Said::unknown}};
  for (const auto& [second, said] : second_words) {
    World world{{http_reply(200, failed_reply), second}};
    EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, said) << second.bytes;
  }
}

TEST(runninghub, in_v1_805_is_read_twice_too) {
  World world{
      {http_reply(404, ""), http_reply(200, R"({"code":805,"msg":"APIKEY_TASK_STATUS_ERROR","data":null})")}};
  EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, Said::failed);
  EXPECT_THAT(world.paths(),
              ElementsAre("/openapi/v2/query", "/task/openapi/outputs", "/task/openapi/outputs"));
}

TEST(runninghub, a_provider_that_wants_rest_is_not_asked_a_second_time) {
  World world{{http_reply(200, failed_reply, "Retry-After: 60\r\n")}};
  const ProviderAnswer answer = world.ask(question(Kind::query));
  EXPECT_EQ(answer.verdict.kind, Said::unknown);
  EXPECT_EQ(answer.verdict.retry_after, seconds(60));
  EXPECT_EQ(world.paths().size(), 1U);
}

// A submit is sent once.

TEST(runninghub, a_submit_is_sent_once_whatever_comes_back) {
  struct Row {
    ScriptedReply reply;
    Submission::Kind kind;
  };
  const std::vector<Row> rows{{hang_up, Submission::Kind::unknown},
                              {{"", false, true}, Submission::Kind::unknown},
                              {{"HTTP/1.1 200 OK\r\nContent-Le", true, false}, Submission::Kind::unknown},
                              {http_reply(500, ""), Submission::Kind::unknown},
                              {http_reply(404, ""), Submission::Kind::unknown},
                              {http_reply(200, "<html>"), Submission::Kind::unknown},
                              {http_reply(302, "", "Location: /again\r\n"), Submission::Kind::unknown},
                              {http_reply(429, ""), Submission::Kind::not_sent},
                              {http_reply(200, R"({"code":421})"), Submission::Kind::no_capacity},
                              {http_reply(200, R"({"code":802})"), Submission::Kind::refused}};
  for (const Row& row : rows) {
    // Beside a connection that is kept, on which libcurl would repeat a request.
    World world{{http_reply(200, running_reply), row.reply}};
    world.options().submit_timeout = milliseconds(300);
    world.start();
    EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, Said::alive_running);
    const ProviderAnswer answer = world.ask(question(Kind::submit));
    EXPECT_EQ(answer.submission.kind, row.kind) << row.reply.bytes;
    EXPECT_EQ(world.paths().size(), 2U) << row.reply.bytes;
  }
}

TEST(runninghub, a_submit_without_a_connection_was_not_sent) {
  std::string url;
  {
    url = ScriptedServer{[](const std::string&) { return ScriptedReply{}; }}.url();
  }
  RunningHub provider{{{"main", url, Secret{canary}}}};
  provider.ask(question(Kind::submit));
  const std::vector<ProviderAnswer> answers = provider.wait(seconds(30));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].submission.kind, Submission::Kind::not_sent);
}

// The limits of an account.

void ask_of_tasks(RunningHub& provider, std::uint64_t count) {
  for (std::uint64_t number = 1; number <= count; ++number) {
    ProviderQuestion next = question(Kind::query);
    next.number = number;
    next.task_id = std::to_string(number);
    provider.ask(next);
  }
}

TEST(runninghub, only_so_many_are_asked_at_once) {
  World world{{{"", false, true}}, 2};
  ask_of_tasks(world.provider(), 5);
  while (world.server().requests().size() < 2) EXPECT_TRUE(world.provider().wait(milliseconds(10)).empty());
  EXPECT_TRUE(world.provider().wait(milliseconds(100)).empty());
  EXPECT_EQ(world.provider().under_way(), 5U);
  EXPECT_EQ(world.server().connection_count(), 2);
}

/// Whoever turns in a circle would burn a processor else.
TEST(runninghub, with_nothing_under_way_waiting_is_a_rest) {
  World world{{}};
  const Stopwatch stopwatch;
  EXPECT_TRUE(world.provider().wait(milliseconds(30)).empty());
  EXPECT_GE(stopwatch.elapsed().ms, 30);
}

TEST(runninghub, those_that_wait_are_asked_in_their_order) {
  World world{{http_reply(200, R"({"code":804})")}, 1};
  ask_of_tasks(world.provider(), 20);
  std::vector<std::uint64_t> answered;
  while (world.provider().under_way() > 0) {
    for (const ProviderAnswer& answer : world.provider().wait(seconds(30))) answered.push_back(answer.number);
  }
  std::vector<std::uint64_t> in_order(20);
  std::iota(in_order.begin(), in_order.end(), 1);
  EXPECT_EQ(answered, in_order);
  EXPECT_EQ(world.server().connection_count(), 1);
}

TEST(runninghub, while_retry_after_runs_nothing_is_sent_and_everything_answered) {
  World world{{http_reply(503, "", "Retry-After: 120\r\n")}};
  EXPECT_EQ(world.ask(question(Kind::query)).verdict.retry_after, seconds(120));
  const Verdict verdict = world.ask(question(Kind::query)).verdict;
  EXPECT_EQ(verdict.kind, Said::unknown);
  EXPECT_GT(verdict.retry_after, seconds(100));
  const Submission submission = world.ask(question(Kind::submit)).submission;
  EXPECT_EQ(submission.kind, Submission::Kind::not_sent);
  EXPECT_GT(submission.retry_after, seconds(100));
  EXPECT_FALSE(world.ask(question(Kind::cancel)).was_accepted);
  EXPECT_EQ(world.paths().size(), 1U);
}

TEST(runninghub, one_account_that_rests_keeps_no_other_waiting) {
  ScriptedServer server{[](const std::string& request) {
    return request.find("Bearer key-of-one") == std::string::npos ? http_reply(200, running_reply)
                                                                  : http_reply(429, "");
  }};
  RunningHub provider{
      {{"one", server.url(), Secret{"key-of-one"}}, {"two", server.url(), Secret{"key-of-two"}}}};
  std::vector<Said> said;
  for (const char* account : {"one", "two", "one", "two"}) {
    ProviderQuestion next = question(Kind::query);
    next.account = account;
    provider.ask(next);
    for (const ProviderAnswer& answer : provider.wait(seconds(30))) said.push_back(answer.verdict.kind);
  }
  EXPECT_THAT(said, ElementsAre(Said::unknown, Said::alive_running, Said::unknown, Said::alive_running));
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(runninghub, a_provider_that_fails_three_times_in_a_row_is_left_alone) {
  for (const ScriptedReply& failure : {http_reply(502, ""), hang_up}) {
    World world{{failure}};
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, Said::unknown);
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("left alone"), HasSubstr("main"), Not(HasSubstr(canary))));
    const std::size_t asked = world.paths().size();
    const Verdict verdict = world.ask(question(Kind::query)).verdict;
    EXPECT_EQ(verdict.kind, Said::unknown);
    EXPECT_GT(verdict.retry_after, minutes(5));
    EXPECT_EQ(world.ask(question(Kind::submit)).submission.kind, Submission::Kind::not_sent);
    EXPECT_EQ(world.paths().size(), asked);
  }
}

TEST(runninghub, a_circuit_whose_rest_is_over_lets_one_question_try) {
  World world{
      {http_reply(500, ""), http_reply(500, ""), http_reply(500, ""), http_reply(200, running_reply)}};
  world.options().circuit.rest = {milliseconds(1), milliseconds(1), 0};
  world.start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.ask(question(Kind::query)).verdict.kind, Said::unknown);
  Said said = Said::unknown;
  while (said == Said::unknown) said = world.ask(question(Kind::query)).verdict.kind;
  EXPECT_EQ(said, Said::alive_running);
  EXPECT_EQ(world.paths().size(), 4U);
}

TEST(runninghub_twin, answers_that_are_no_failures_of_the_provider_leave_it_open) {
  World world{{http_reply(500, ""), http_reply(500, ""), http_reply(200, R"({"code":500})")}};
  for (int i = 0; i < 8; ++i) static_cast<void>(world.ask(question(Kind::query)));
  EXPECT_EQ(world.paths().size(), 8U);
}

// Secrets.

TEST(runninghub, a_provider_that_echoes_the_key_everywhere_gives_it_to_nobody) {
  const std::string k = canary;
  const std::vector<ScriptedReply> replies{
      http_reply(200, R"({"code":"802 )" + k + R"(","msg":"bad key )" + k + R"(","data":{"apiKey":")" + k +
                          R"(","fileName":")" + k + R"(","callbackStatus":")" + k + R"("}})"),
      http_reply(200, R"({"status":"SUCCESS","results":[{"url":"https://a.b/)" + k + R"("}]})"),
      http_reply(401, "<html>Authorization: Bearer " + k + "</html>", "X-Echo: " + k + "\r\n"),
      http_reply(502, k), ScriptedReply{"HTTP/1.1 500 " + k + "\r\n" + k, true, false}};
  for (const ScriptedReply& reply : replies) {
    for (const Kind kind : {Kind::submit, Kind::query, Kind::cancel, Kind::webhook_detail, Kind::upload}) {
      World world{{reply}};
      testing::internal::CaptureStderr();
      const ProviderAnswer answer = world.ask(question(kind));
      EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr(k)));
      EXPECT_TRUE(answer.verdict.output_urls.empty());
    }
  }
}

}  // namespace
}  // namespace jobwatchdog::test
