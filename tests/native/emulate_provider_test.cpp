// `jobwatchdog emulate-provider` as a process: real requests, real webhooks, its options and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <nlohmann/json.hpp>

#include "native/http/http_client.hpp"
#include "native/http/http_server.hpp"
#include "tests/native/raw_connection.hpp"
#include "tests/support/background_process.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

HttpAnswer call(HttpCall made) {
  HttpClient client;
  client.start(std::move(made));
  for (;;) {
    for (HttpAnswer& answer : client.wait(seconds(1))) return std::move(answer);
  }
}

/// The emulator on a free port, with tasks that take a moment.
class RunningEmulator {
 public:
  explicit RunningEmulator(std::vector<std::string> options = {}, std::map<std::string, std::string> env = {})
      : process_(argv(std::move(options)), without_proxies(std::move(env))) {
    const std::string told = process_.wait_for_error_line("listening on ");
    const std::size_t from = told.find("http://");
    url_ = told.substr(from, told.find(' ', from) - from);
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }

  Json post(const std::string& path, const Json& body, const std::string& key = "k1") const {
    HttpCall made;
    made.url = url_ + path;
    made.headers = {{"Authorization", "Bearer " + key}, {"Content-Type", "application/json"}};
    made.body = body.dump();
    return Json::parse(call(std::move(made)).body, nullptr, false);
  }
  HttpAnswer get(const std::string& path) const {
    HttpCall made;
    made.method = "GET";
    made.url = url_ + path;
    return call(std::move(made));
  }
  Json submit(const std::string& webhook_url, const std::string& key = "k1") const {
    const Json inputs = Json::array({{{"nodeId", "3"}, {"fieldName", "video"}, {"fieldValue", "a.mp4"}}});
    return post("/openapi/v2/run/ai-app/2018810750139109378",
                {{"nodeInfoList", inputs}, {"webhookUrl", webhook_url}}, key);
  }

  ProcessResult end(int signal_number) {
    process_.signal(signal_number);
    return process_.finish();
  }

 private:
  static std::vector<std::string> argv(std::vector<std::string> options) {
    std::vector<std::string> all{jobwatchdog_binary(), "emulate-provider", "--listen", "127.0.0.1:0",
                                 "--json"};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }

  BackgroundProcess process_;
  std::string url_;
};

/// Who webhooks are sent to; answers the first ones with 500.
class Receiver {
 public:
  explicit Receiver(int refused_count = 0) : refused_count_(refused_count) {
    Result<HttpServer> server =
        HttpServer::start({}, [this](const HttpRequest& request) { return take(request); });
    if (!server.ok()) throw std::runtime_error(server.error().what);
    server_.emplace(std::move(server.value()));
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) +
           "/functions/v1/runninghub-webhook/0123abcd";
  }
  /// What came, once there are so many.
  std::vector<HttpRequest> wait_for(std::size_t count) {
    std::unique_lock held{lock_};
    arrived_.wait(held, [&] { return received_.size() >= count; });
    return received_;
  }

 private:
  HttpReply take(const HttpRequest& request) {
    const std::lock_guard held{lock_};
    received_.push_back(request);
    arrived_.notify_all();
    return {.status = refused_count_-- > 0 ? 500 : 204};
  }

  std::mutex lock_;
  std::condition_variable arrived_;
  std::vector<HttpRequest> received_;
  int refused_count_;
  std::optional<HttpServer> server_;
};

TEST(emulate_provider, runs_tasks_and_rings_when_they_end) {
  Receiver receiver;
  RunningEmulator emulator{{"--task-time", "100 ms"}};
  const std::string id = emulator.submit(receiver.url())["taskId"];
  const HttpRequest webhook = receiver.wait_for(1).front();
  EXPECT_EQ(webhook.method, "POST");
  EXPECT_EQ(webhook.path, "/functions/v1/runninghub-webhook/0123abcd");
  EXPECT_EQ(Json::parse(webhook.body)["taskId"], id);
  const Json task = emulator.post("/openapi/v2/query", {{"taskId", id}});
  EXPECT_EQ(Json::parse(webhook.body)["eventData"], task);
  const std::string result_url = task["results"][0]["url"];
  EXPECT_THAT(result_url, StartsWith(emulator.url()));
  const HttpAnswer picture = emulator.get(result_url.substr(emulator.url().size()));
  EXPECT_EQ(picture.status, 200);
  EXPECT_EQ(picture.headers.at("content-type"), "image/png");
  EXPECT_THAT(picture.body, StartsWith("\x89PNG"));
}

TEST(emulate_provider, rings_again_until_it_is_answered) {
  Receiver receiver{2};
  RunningEmulator emulator{{"--task-time", "10 ms", "--webhook-retry-rest", "10 ms", "--log-level", "debug",
                            "--public-url", "https://cdn.invalid/"}};
  emulator.submit(receiver.url());
  const auto received = receiver.wait_for(3);
  EXPECT_EQ(received[0].body, received[2].body);
  EXPECT_THAT(received[0].body, HasSubstr("\"https://cdn.invalid/results/"));
  const ProcessResult ended = emulator.end(SIGINT);
  EXPECT_EQ(Json::parse(ended.out)["webhooks_sent"], 3);
  EXPECT_THAT(ended.err, HasSubstr("webhook tried again"));
  EXPECT_THAT(ended.err, Not(HasSubstr("0123abcd")));  // The URL of a webhook is a secret.
}

TEST(emulate_provider, ends_on_ctrl_c_and_sums_up) {
  for (const int signal_number : {SIGINT, SIGTERM}) {
    RunningEmulator emulator{{"--reply-never", "100%"}};
    RawConnection silent{emulator.port()};
    silent.send("POST /openapi/v2/query HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    RawConnection idle{emulator.port()};
    while (Json::parse(emulator.get("/emulator/summary").body)["replies_never"] != 1) {
    }
    const ProcessResult ended = emulator.end(signal_number);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(Json::parse(ended.out)["replies_never"], 1);
    EXPECT_EQ(Json::parse(ended.out)["tasks_made"], 0);
  }
}

TEST(emulate_provider, sums_up_for_people_too) {
  BackgroundProcess process{{jobwatchdog_binary(), "emulate-provider", "--listen", "127.0.0.1:0"},
                            without_proxies({})};
  process.wait_for_error_line("point an app at it:  WATCHDOG_RUNNINGHUB_URL=http://127.0.0.1:");
  process.signal(SIGINT);
  EXPECT_THAT(process.finish().out, HasSubstr("nobody asked anything"));
}

TEST(emulate_provider, obeys_its_options_and_their_twins) {
  RunningEmulator emulator{{"--key", "k1", "--key", "k2", "--capacity", "1"}};
  EXPECT_EQ(emulator.submit("", "k1")["errorCode"], "");
  EXPECT_EQ(emulator.submit("", "k1")["errorCode"], "421");
  EXPECT_EQ(emulator.submit("", "k2")["errorCode"], "");
  EXPECT_EQ(emulator.submit("", "k3")["errorCode"], "1002");
  RunningEmulator twin{{},
                       {{"WATCHDOG_EMULATOR_KEY", "k1,k2"},
                        {"WATCHDOG_EMULATOR_FAULTS", "worst"},
                        {"WATCHDOG_EMULATOR_REPLY_5XX", "0%"},
                        {"WATCHDOG_EMULATOR_REPLY_GARBAGE", "0%"},
                        {"WATCHDOG_EMULATOR_REPLY_NEVER", "0%"},
                        {"WATCHDOG_EMULATOR_REPLY_SLOW", "0%"},
                        {"WATCHDOG_EMULATOR_SUBMIT_REFUSED", "100%"}}};
  EXPECT_EQ(twin.submit("", "k2")["errorCode"], "421");
  EXPECT_EQ(twin.submit("", "k3")["errorCode"], "1002");
}

TEST(emulate_provider, tells_what_is_wrong_with_an_option) {
  const auto refused = [](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"emulate-provider"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProcessResult result = run_jobwatchdog(arguments);
    EXPECT_EQ(result.exit_code, 2) << options.back() << result.out << result.err;
    return result.err;
  };
  EXPECT_THAT(refused({"--listen", "8799"}), HasSubstr("127.0.0.1:8799"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:70000"}), HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(refused({"--task-time", "soon"}), HasSubstr("--task-time"));
  EXPECT_THAT(refused({"--task-time", "9 s..2 s"}), HasSubstr("ends before it begins"));
  EXPECT_THAT(refused({"--webhook-retry-rest", "1"}), HasSubstr("--webhook-retry-rest"));
  EXPECT_THAT(refused({"--webhook-lost", "30"}), HasSubstr("such as 30%"));
  EXPECT_THAT(refused({"--faults", "some"}), HasSubstr("worst"));
  EXPECT_THAT(refused({"--capacity", "0"}), HasSubstr("--capacity"));
  EXPECT_THAT(refused({"--webhooks-lost", "30%"}), HasSubstr("--webhooks-lost"));
}

TEST(emulate_provider, says_that_its_port_is_taken) {
  const RunningEmulator emulator;
  const ProcessResult second =
      run_jobwatchdog({"emulate-provider", "--listen", "127.0.0.1:" + std::to_string(emulator.port())});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("in use"));
  EXPECT_THAT(second.err, HasSubstr("choose another port"));
  const ProcessResult nowhere = run_jobwatchdog({"emulate-provider", "--listen", "localhost:0"});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("in numbers"));
}

}  // namespace
}  // namespace jobwatchdog::test
