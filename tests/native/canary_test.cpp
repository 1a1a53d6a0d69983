// Canaries: secrets of every kind are planted in a real node, which is then asked for everything, rightly and
// wrongly, by a provider too that repeats whatever it is sent. No canary may be found outside of where its
// owner put it. Source: invariants.md S2b and S13.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>
#include <set>

#include "native/http/http_client.hpp"
#include "native/memory_privacy.hpp"
#include "tests/native/living_system.hpp"
#include "tests/native/served.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scripted_server.hpp"

namespace jobwatchdog::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using Json = nlohmann::json;

/// Secrets by what they are.
using Canaries = std::map<std::string, std::string>;

const Canaries& planted() {
  static const Canaries all{{"JWT secret", "CANARYjwtsecret0123456789abcdefghij"},
                            {"publishable key", "sb_publishable_CANARYpublishable01"},
                            {"secret key", "sb_secret_CANARYsecretkey012345"},
                            {"cron secret", "CANARYcronsecret0123456789"},
                            {"provider key", "CANARYproviderkey0123456789"},
                            {"database password", "CANARYdatabasepassword"},
                            {"signature of an input's URL", "CANARYsignedinput"},
                            {"signature of a result's URL", "CANARYsignedresult"}};
  return all;
}

std::string hexadecimal(const std::string& text) {
  std::string digits;
  for (const char c : text) digits += {"0123456789abcdef"[(c >> 4) & 15], "0123456789abcdef"[c & 15]};
  return digits;
}

/// What of the canaries stands in a text, as it is or in hexadecimal digits: "WHERE holds the WHAT".
std::vector<std::string> found_in(const std::string& text, const std::string& where,
                                  const Canaries& canaries) {
  std::vector<std::string> found;
  for (const auto& [what, secret] : canaries) {
    const std::size_t place = std::min(text.find(secret), text.find(hexadecimal(secret)));
    if (place == std::string::npos) continue;
    found.push_back(where + " holds the " + what + ": " +
                    text.substr(place - std::min<std::size_t>(place, 60), 200));
  }
  return found;
}

/// A request, by whom, with JOB for a pending job of the owner.
struct Ask {
  std::string method;
  std::string path;
  std::string body;
  std::string content_type{"application/json"};
};

const std::string functions = "/functions/v1/";
const std::string queue = functions + "runninghub-queue-manager/";
constexpr const char* job = R"({"table": "veste_ai_jobs", "jobId": "JOB", "reason": "a test"})";

/// A request to every route that is right for somebody; the last one is right for nobody.
const std::vector<Ask>& asks() {
  static const std::vector<Ask> all{
      {"GET", "/healthz", ""},
      {"GET", "/readyz", ""},
      {"GET", "/version", ""},
      {"GET", "/metrics", ""},
      {"POST", functions + "runninghub-webhook", R"({"event": "TASK_END", "taskId": "1"})"},
      {"POST", functions + "runninghub-webhook/TOKEN",
       R"({"event": "TASK_END", "taskId": "1", "apiKey": "KEY"})"},
      {"POST", functions + "admin-cancel-job", job},
      {"POST", functions + "cleanup-stuck-exams", ""},
      {"POST", functions + "runninghub-job-sync", job},
      {"GET", functions + "feature-flags", ""},
      {"POST", functions + "feature-flags",
       R"({"name": "WATCHDOG_ENABLED", "definition": "true", "reason": "a test"})"},
      {"POST", queue + "check", "{}"},
      {"POST", queue + "check-user-active", R"({"userId": "OWNER"})"},
      {"POST", queue + "run-or-queue", job},
      {"POST", queue + "enqueue", job},
      {"POST", queue + "process-next", "{}"},
      {"POST", queue + "finish", R"({"table": "veste_ai_jobs", "jobId": "JOB", "status": "cancelled"})"},
      {"POST", queue + "cancel-session", R"({"userId": "OWNER"})"},
      {"POST", queue + "reconcile", job},
      {"GET", queue + "status", ""},
      {"POST", queue + "status", "{}"},
      {"POST", "/ofrep/v1/evaluate/flags", "{}"},
      {"POST", "/ofrep/v1/evaluate/flags/WATCHDOG_ENABLED", "{}"},
      {"GET", "/rest/v1/veste_ai_jobs?select=id,status&limit=5", ""},
      {"POST", "/rest/v1/veste_ai_jobs", R"({"user_id": "OWNER"})"},
      {"POST", "/rest/v1/rpc/user_cancel_ai_job", R"({"p_table_name": "veste_ai_jobs", "p_job_id": "JOB"})"},
      {"POST", functions + "runninghub-veste-ai/run", R"({"jobId": "JOB"})"},
      {"POST", functions + "runninghub-veste-ai/upload", "RIFF0000WEBPVP8 a picture", "image/webp"},
      {"POST", queue + "no-such-route", "{}"},
  };
  return all;
}

std::string filled(std::string text, const std::map<std::string, std::string>& words) {
  for (const auto& [word, value] : words) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size())
      text.replace(at, word.size(), value);
  }
  return text;
}

/// A provider that repeats in its messages all that it was sent, keys and addresses too.
class EchoingProvider {
 public:
  [[nodiscard]] std::string url() const { return server_.url(); }
  /// The token in the address that the first webhook was asked for at.
  [[nodiscard]] std::string webhook_token() const {
    for (const std::string& request : server_.requests()) {
      const std::size_t from = request.find("runninghub-webhook/");
      if (from != std::string::npos) return request.substr(from + 19, 64);
    }
    return "";
  }

 private:
  ScriptedReply answer(const std::string& request) {
    const Json echo{{"request", request}};
    if (request.find("/media/upload/") != std::string::npos)
      return http_reply(200, Json{{"code", 0}, {"data", {{"fileName", "api/a.png"}}}, {"echo", echo}}.dump());
    if (request.find("/run/ai-app/") == std::string::npos)
      return http_reply(
          200, Json{{"taskId", "1900000000000000001"},
                    {"status", "SUCCESS"},
                    {"errorMessage", request},
                    {"results", {{{"url", "https://files.example/a.png?X-Signature=CANARYsignedresult"}}}},
                    {"echo", echo}}
                   .dump());
    if (++submit_count_ % 2 == 1)
      return http_reply(
          200, Json{{"taskId", "1900000000000000001"}, {"status", "RUNNING"}, {"echo", echo}}.dump());
    return http_reply(200, Json{{"errorCode", "1007"}, {"errorMessage", request}, {"echo", echo}}.dump());
  }

  int submit_count_{0};
  ScriptedServer server_{[this](const std::string& request) { return answer(request); }};
};

/// A node with canaries for secrets, and all that was ever heard of it.
class canary : public testing::Test {
 protected:
  canary() {
    ensure_role(system_.database(), role_, "LOGIN SUPERUSER PASSWORD 'CANARYdatabasepassword'");
    for (const std::string& user : {owner_id, admin_id})
      system_.database().exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES ('" + user +
                              "', 10000)");
    system_.database().exec("INSERT INTO public.user_roles (user_id, role) VALUES ('" + admin_id +
                            "', 'admin')");
    node_ = &system_.start_node(secrets());
  }
  ~canary() override {
    if (node_ != nullptr) LivingSystem::end(*node_);
    (void)system_.database().error("DROP ROLE " + role_);
  }

  [[nodiscard]] std::map<std::string, std::string> secrets() {
    return {{"DATABASE_URL", system_.database().tcp_url(role_, planted().at("database password"))},
            {"WATCHDOG_JWT_SECRET", planted().at("JWT secret")},
            {"WATCHDOG_PUBLISHABLE_KEYS", planted().at("publishable key")},
            {"WATCHDOG_SECRET_KEYS", planted().at("secret key")},
            {"WATCHDOG_CRON_SECRETS", planted().at("cron secret")},
            {"WATCHDOG_CORS_ORIGINS", "https://app.example"},
            {"WATCHDOG_RUNNINGHUB_URL", provider_.url()},
            {"WATCHDOG_RUNNINGHUB_API_KEY", planted().at("provider key")},
            {"WATCHDOG_LOG_LEVEL", "debug"},
            {"NO_COLOR", "1"}};
  }

  static std::string token_of(const std::string& user_id) {
    return sign_token(claims_of("authenticated", user_id), Secret{planted().at("JWT secret")}).value();
  }

  std::string pending_job() {
    return system_.database().value(
        "SELECT watchdog.create_job('veste_ai_jobs', '" + owner_id +
        "', '{\"inputs\": {\"person\": \"api/a.png\", \"clothing\": \"https://files.example/b.png?X-Signature=" +
        planted().at("signature of an input's URL") + "\"}}', 10)");
  }

  /// Gives the status; body and headers are kept for the search.
  int call(const Ask& ask, const Headers& headers, const std::string& job_id) {
    const std::map<std::string, std::string> words{{"JOB", job_id},
                                                   {"OWNER", owner_id},
                                                   {"KEY", planted().at("provider key")},
                                                   {"TOKEN", provider_.webhook_token()}};
    HttpCall call;
    call.method = ask.method;
    call.url = system_.node_url() + filled(ask.path, words);
    call.body = filled(ask.body, words);
    call.headers = {{"Origin", "https://app.example"}, {"Content-Type", ask.content_type}};
    call.headers.insert(call.headers.end(), headers.begin(), headers.end());
    client_.start(std::move(call));
    for (;;) {
      for (const HttpAnswer& answer : client_.wait(seconds(1))) {
        std::string heard = answer.body;
        for (const auto& [name, value] : answer.headers) heard += "\n" + name + ": " + value;
        heard_.emplace_back(ask.method + " " + ask.path, heard);
        return answer.status;
      }
    }
  }

  /// Every caller there is, the right ones first.
  [[nodiscard]] std::vector<Headers> callers() const {
    const std::string forged =
        sign_token(claims_of("service_role", ""), Secret{"a secret of nobody, long enough too"}).value();
    return {bearer(owners_token_),
            bearer(token_of(admin_id)),
            {{"apikey", planted().at("secret key")}},
            {{"x-cron-secret", planted().at("cron secret")}},
            {{"apikey", planted().at("publishable key")}},
            {{"apikey", planted().at("secret key")}, {"user-agent", "Mozilla/5.0"}},
            {{"x-cron-secret", planted().at("secret key")}},
            bearer(planted().at("JWT secret")),
            bearer(forged),
            {}};
  }

  /// All that a caller could ask, rightly and wrongly. Gives what never went well, or never badly.
  std::vector<std::string> ask_everything() {
    std::vector<std::string> one_sided;
    for (const Ask& ask : asks()) {
      std::set<bool> ways;
      const auto note = [&](int status) { ways.insert(status < 400); };
      for (const Headers& headers : callers()) {
        const std::string job_id = pending_job();
        note(call(ask, headers, job_id));
        system_.database().exec("SELECT watchdog.settle_jobs('veste_ai_jobs', ARRAY['" + job_id +
                                "'::uuid], '{\"status\": \"cancelled\"}')");
      }
      // What anybody may send is kept as a webhook, so it holds no secret but by its name.
      const bool is_webhook = ask.path.find("webhook") != std::string::npos;
      const std::string secret = is_webhook ? "none" : planted().at("provider key");
      for (const std::string& wrong :
           {"{\"" + secret + "\"",
            R"({"table": ")" + secret + R"(", "jobId": "x", "name": "x", "userId": "x"})"})
        note(call({ask.method == "GET" ? "DELETE" : ask.method, ask.path + "?apikey=" + secret, wrong},
                  callers()[2], "x"));
      note(call({"PUT", ask.path, "{}"}, callers().front(), "x"));
      if (ways.size() != 2 && ask.path != queue + "no-such-route")
        one_sided.push_back(ask.method + " " + ask.path);
    }
    return one_sided;
  }

  /// Everything that the database keeps of it, but for the jobs' own rows, which belong to their owner.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> kept() {
    std::vector<std::pair<std::string, std::string>> kept;
    const auto tables = system_.database().rows(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND "
        "(table_schema = 'watchdog' OR table_schema || '.' || table_name = 'public.audit_log') ORDER BY 1");
    for (const auto& table : tables)
      kept.emplace_back(table[0], system_.database().value("SELECT string_agg(t::text, E'\\n') FROM " +
                                                           table[0] + " AS t"));
    return kept;
  }

  std::string role_{"canary_" + std::to_string(getpid())};
  std::string owners_token_{token_of(owner_id)};
  EchoingProvider provider_;
  LivingSystem system_;
  BackgroundProcess* node_{nullptr};
  HttpClient client_;
  std::vector<std::pair<std::string, std::string>> heard_;  ///< Requests, and what was answered.
};

TEST_F(canary, has_a_request_for_every_route) {
  std::set<std::string_view> missing;
  for (const Route& route : all_routes()) missing.insert(route.path);
  for (const Ask& ask : asks()) {
    std::vector<std::string> ignored;
    const Route* route = find_route(ask.method, ask.path.substr(0, ask.path.find('?')), &ignored);
    ASSERT_NE(route, nullptr) << ask.path;
    missing.erase(route->path);
  }
  EXPECT_THAT(missing, IsEmpty());
}

TEST_F(canary, no_secret_is_told_logged_or_kept) {
  const std::string finished = pending_job();
  EXPECT_EQ(call({"POST", queue + "run-or-queue", job}, bearer(owners_token_), finished), 200);
  ASSERT_TRUE(system_.comes_true("EXISTS (SELECT FROM public.ai_jobs WHERE id = '" + finished +
                                 "' AND status = 'completed')"));
  EXPECT_THAT(ask_everything(), IsEmpty());

  // The database goes, and comes back.
  const std::string disconnect =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role_ + "'";
  system_.database().exec("ALTER ROLE " + role_ + " NOLOGIN; " + disconnect);
  EXPECT_EQ(call({"GET", "/readyz", ""}, {}, ""), 503);
  EXPECT_EQ(call({"POST", functions + "runninghub-job-sync", job}, bearer(owners_token_), finished), 503);
  system_.database().exec("ALTER ROLE " + role_ + " LOGIN");

  node_->signal(SIGTERM);
  const ProcessResult said = std::exchange(node_, nullptr)->finish();
  EXPECT_NE(said.err.find("request"), std::string::npos) << "the log is at its loudest";

  Canaries canaries = planted();
  canaries["webhook's token"] = provider_.webhook_token();
  ASSERT_THAT(canaries["webhook's token"], SizeIs(64));
  const std::size_t signature = owners_token_.rfind('.') + 1;
  canaries["claims of the user's token"] = owners_token_.substr(owners_token_.find('.') + 1, 60);
  canaries["signature of the user's token"] = owners_token_.substr(signature);
  std::vector<std::string> leaks = found_in(said.out, "stdout", canaries);
  const auto search = [&](const std::string& text, const std::string& where) {
    for (std::string& leak : found_in(text, where, canaries)) leaks.push_back(std::move(leak));
  };
  search(said.err, "the log");
  for (const auto& [table, rows] : kept()) search(rows, table);
  // The owner, administrators and the service are told where the result is.
  canaries.erase("signature of a result's URL");
  for (const auto& [request, answer] : heard_) search(answer, "the reply to " + request);
  EXPECT_THAT(leaks, IsEmpty());
}

TEST_F(canary, no_secret_is_in_what_a_node_says_that_cannot_start) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"DATABASE_URL", system_.database().tcp_url("nobody_of_this_name", "CANARYrefused")},
      {"DATABASE_URL", "postgresql://app:CANARYrefused/x@127.0.0.1/app"},
      {"WATCHDOG_JWT_SECRET", "CANARYrefused"},
      {"WATCHDOG_JWKS", "CANARYrefused"},
      {"WATCHDOG_PUBLISHABLE_KEYS", "CANARYrefused0123456789"},
      {"WATCHDOG_SECRET_KEYS", "sb_CANARYrefused"},
      {"WATCHDOG_CRON_SECRETS", "CANARYrefused"},
      {"WATCHDOG_RUNNINGHUB_API_KEY", "CANARYrefused with blanks"}};
  for (const auto& [name, value] : wrong) {
    std::map<std::string, std::string> environment = system_.environment();
    environment["WATCHDOG_LOG_LEVEL"] = "debug";
    environment[name] = value;
    const ProcessResult said = run_jobwatchdog({"serve", "--listen", "127.0.0.1:0"}, environment);
    EXPECT_TRUE(said.exit_code == 3 || said.exit_code == 4) << name << " " << said.exit_code << said.err;
    EXPECT_THAT(found_in(said.out + said.err, name, {{"refused secret", "CANARYrefused"}}), IsEmpty());
  }
}

TEST(canary_twin, a_secret_that_is_logged_is_found) {
  const std::string log = "info: connecting with CANARYdatabasepassword";
  EXPECT_THAT(found_in(log, "the log", planted()), SizeIs(1));
  EXPECT_THAT(found_in("\\x" + hexadecimal("CANARYdatabasepassword"), "a column", planted()), SizeIs(1));
  EXPECT_THAT(found_in("info: connecting", "the log", planted()), IsEmpty());
}

TEST(canary_twin, a_canary_that_the_binary_says_is_found) {
  const ProcessResult said = run_jobwatchdog({"serve", "--listen", "CANARYproviderkey0123456789"});
  EXPECT_THAT(found_in(said.err, "the log", planted()), SizeIs(1)) << said.err;
}

TEST(memory_privacy, leaves_no_core_file) {
  ASSERT_EQ(prctl(PR_GET_DUMPABLE), 1);
  keep_memory_private();
  EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
  EXPECT_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

}  // namespace
}  // namespace jobwatchdog::test
