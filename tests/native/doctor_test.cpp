// `doctor` in managed mode: each check shown well and not well, with a real server behind it, and no secret
// told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "native/doctor/serving_checks.hpp"
#include "tests/native/emulated.hpp"
#include "tests/native/living_system.hpp"
#include "tests/native/strange_database.hpp"
#include "tests/native/token_issuer.hpp"
#include "tests/support/scripted_server.hpp"

namespace jobwatchdog::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Variables = std::map<std::string, std::string>;

constexpr const char* jwt_secret = "CANARY a secret of tokens, long enough";
constexpr const char* api_key = "CANARY-known-key-1";

/// The report, and its lines: "state name: words | mend".
struct Diagnosis {
  ProcessResult result;
  std::vector<std::string> lines;

  /// The lines of one check, each behind the other.
  [[nodiscard]] std::string of(const std::string& check) const {
    std::string found;
    for (const std::string& line : lines) {
      if (line.find(" " + check + ": ") < 9) found += line + "\n";
    }
    return found;
  }
};

Diagnosis doctor(const std::string& database_url, const Variables& environment = {},
                 std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), {"doctor", "--json", "--database-url", database_url});
  Diagnosis diagnosis{run_jobwatchdog(arguments, without_proxies(environment)), {}};
  const Json report = Json::parse(diagnosis.result.out, nullptr, false);
  if (!report.is_array()) ADD_FAILURE() << diagnosis.result.out << diagnosis.result.err;
  for (const Json& check : report) {
    diagnosis.lines.push_back(check["state"].get<std::string>() + " " + check["check"].get<std::string>() +
                              ": " + check["words"].get<std::string>() + " | " +
                              check["mend"].get<std::string>());
  }
  EXPECT_THAT(diagnosis.result.out + diagnosis.result.err, Not(HasSubstr("CANARY")));
  return diagnosis;
}

/// The emulated provider on a port, which knows one key.
class ListeningProvider {
 public:
  ListeningProvider() : emulated_(settings()), server_(start()) {}
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

 private:
  static EmulatorSettings settings() {
    EmulatorSettings settings = ten_seconds();
    settings.keys = {api_key};
    return settings;
  }
  HttpServer start() {
    return std::move(HttpServer::start({}, [this](const HttpRequest& request) {
                       const std::lock_guard lock{mutex_};
                       return emulator_reply(emulated_.provider, request, emulated_.now);
                     }).value());
  }

  std::mutex mutex_;
  Emulated emulated_;
  HttpServer server_;
};

Variables provider_at(const std::string& url, const std::string& key = api_key) {
  return {{"WATCHDOG_RUNNINGHUB_URL", url}, {"WATCHDOG_RUNNINGHUB_API_KEY", key}};
}

TEST(doctor, tells_where_each_key_comes_from_and_that_the_provider_takes_it) {
  Database database = Database::managed();
  const ListeningProvider provider;
  const Diagnosis by_variable = doctor(database.url(), provider_at(provider.url()));
  EXPECT_EQ(by_variable.result.exit_code, 0);
  EXPECT_THAT(by_variable.of("provider"),
              AllOf(HasSubstr("ok provider: account arcano_main, key from WATCHDOG_RUNNINGHUB_API_KEY, " +
                              provider.url() + ": answered in "),
                    HasSubstr("coins left: "), HasSubstr("tasks at work: 0")));
  const ConfigFile file{std::string{api_key} + "\n"};
  EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_RUNNINGHUB_URL", provider.url()},
                                      {"WATCHDOG_RUNNINGHUB_API_KEY_FILE", file.path()}})
                  .of("provider"),
              HasSubstr("key from WATCHDOG_RUNNINGHUB_API_KEY_FILE, "));
  database.exec("UPDATE watchdog.runninghub_accounts SET api_key = '" + std::string{api_key} +
                "', base_url = '" + provider.url() + "'");
  EXPECT_THAT(doctor(database.url()).of("provider"),
              HasSubstr("ok provider: account arcano_main, key from watchdog.runninghub_accounts"));
}

TEST(doctor, tells_accounts_without_a_key_and_of_a_key_that_is_none) {
  Database database = Database::managed();
  database.exec("INSERT INTO watchdog.runninghub_accounts (account) VALUES ('second')");
  const Diagnosis none = doctor(database.url());
  EXPECT_EQ(none.result.exit_code, 0);
  EXPECT_THAT(none.of("provider"),
              AllOf(HasSubstr("warning provider: account arcano_main: no key"),
                    HasSubstr("warning provider: account second: no key"),
                    HasSubstr("set WATCHDOG_RUNNINGHUB_API_KEY_ and the account's name")));
  const Diagnosis broken = doctor(database.url(), {{"WATCHDOG_RUNNINGHUB_API_KEY_FILE", "/nonexistent"}});
  EXPECT_EQ(broken.result.exit_code, 3);
  EXPECT_THAT(
      broken.of("provider"),
      HasSubstr("error provider: WATCHDOG_RUNNINGHUB_API_KEY_FILE: names a file that cannot be read"));
}

TEST(doctor, tells_a_refused_key_from_a_provider_that_is_away_or_talks_nonsense) {
  Database database = Database::managed();
  std::string gone;
  {
    const ListeningProvider provider;
    gone = provider.url();
    const Diagnosis refused = doctor(database.url(), provider_at(provider.url(), "CANARY-wrong-key"));
    EXPECT_EQ(refused.result.exit_code, 3);
    EXPECT_THAT(refused.of("provider"), AllOf(HasSubstr("error provider: "),
                                              HasSubstr("refuses the key: code 802 APIKEY_UNAUTHORIZED")));
  }
  const Diagnosis away = doctor(database.url(), provider_at(gone));
  EXPECT_EQ(away.result.exit_code, 0);
  EXPECT_THAT(away.of("provider"),
              AllOf(HasSubstr("warning provider: "), HasSubstr("cannot be reached from here")));
  const ScriptedServer nonsense{[](const std::string&) { return http_reply(502, "<html>CANARY</html>"); }};
  EXPECT_THAT(doctor(database.url(), provider_at(nonsense.url())).of("provider"),
              AllOf(HasSubstr("warning provider: "), HasSubstr("HTTP 502 without an answer of its API")));
  const ScriptedServer echo{[](const std::string&) {
    return http_reply(200, R"({"code":1,"msg":"your key is CANARY-known-key-1"})");
  }};
  EXPECT_THAT(doctor(database.url(), provider_at(echo.url())).of("provider"),
              HasSubstr("code 1 your key is [key]"));
}

TEST(doctor, says_that_nobody_is_believed_until_a_key_is_set_and_what_is_wrong_with_a_bad_one) {
  Database database = Database::managed();
  EXPECT_THAT(doctor(database.url()).of("access"),
              HasSubstr("warning access: no key is set: `serve` believes nobody"));
  EXPECT_THAT(
      doctor(database.url(), {{"WATCHDOG_CRON_SECRETS", "CANARY-of-cron-0123456789"}}).of("access"),
      HasSubstr(
          "warning access: `serve` believes no user and no service, for only these are set: WATCHDOG_CRON_SECRETS"));
  const ConfigFile file{std::string{"sb_secret_CANARY0123456789abcdef"} + "\n"};
  EXPECT_EQ(doctor(database.url(),
                   {{"WATCHDOG_JWT_SECRET", jwt_secret}, {"WATCHDOG_SECRET_KEYS_FILE", file.path()}})
                .of("access"),
            "ok access: callers of `serve` are known by WATCHDOG_JWT_SECRET, WATCHDOG_SECRET_KEYS | \n");
  const Issuer issuer{"ES256", "k1"};
  const ScriptedServer login{[&](const std::string&) {
    return http_reply(200, nlohmann::json{{"keys", {issuer.public_key()}}}.dump());
  }};
  EXPECT_EQ(doctor(database.url(), {{"WATCHDOG_JWKS_URL", login.url() + "/jwks.json"}}).of("access"),
            "ok access: callers of `serve` are known by WATCHDOG_JWKS_URL | \n");
  EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_JWKS_URL", "http://127.0.0.1:1/jwks.json"}}).of("access"),
              HasSubstr("warning access: the keys of WATCHDOG_JWKS_URL do not arrive"));
  const Diagnosis bad = doctor(database.url(), {{"WATCHDOG_JWT_SECRET", "CANARY short"},
                                                {"WATCHDOG_JWKS", "CANARY"},
                                                {"WATCHDOG_SECRET_KEYS", "CANARY-without-its-beginning"}});
  EXPECT_EQ(bad.result.exit_code, 3);
  EXPECT_THAT(
      bad.of("access"),
      AllOf(HasSubstr("error access: WATCHDOG_JWT_SECRET: "), HasSubstr("error access: WATCHDOG_JWKS: "),
            HasSubstr("error access: WATCHDOG_SECRET_KEYS: a key does not begin with")));
}

TEST(doctor, tries_the_roles_that_callers_have) {
  Database database = Database::managed();
  EXPECT_EQ(doctor(database.url()).of("roles"),
            "ok roles: this login may become anon, authenticated and service_role | \n");
  ensure_role(database, "doctor_login", "LOGIN PASSWORD 'doctor'");
  database.exec("GRANT anon, service_role TO doctor_login; REVOKE authenticated FROM doctor_login");
  const std::string url = database.tcp_url("doctor_login", "doctor");
  const Diagnosis two = doctor(url, {{"PGOPTIONS", "-c role=service_role"}});
  EXPECT_THAT(
      two.of("roles"),
      AllOf(HasSubstr("warning roles: `serve` could not answer /rest/v1: permission denied to set role"),
            HasSubstr("GRANT anon, authenticated, service_role TO doctor_login")));
  database.exec("GRANT authenticated TO doctor_login");
  EXPECT_THAT(doctor(url, {{"PGOPTIONS", "-c role=service_role"}}).of("roles"), HasSubstr("ok roles: "));
}

TEST(doctor, finds_a_jobwatchdog_at_the_public_url_and_says_that_nobody_outside_reaches_this_machine) {
  LivingSystem system;
  system.start_node();
  const Diagnosis found = doctor(system.database().url(), {},
                                 {"--public-url", "http://user:CANARY@" + system.node_url().substr(7)});
  EXPECT_EQ(found.result.exit_code, 0);
  EXPECT_THAT(
      found.of("webhooks"),
      HasSubstr("warning webhooks: a jobwatchdog " JOBWATCHDOG_VERSION " answers at " + system.node_url() +
                "; the provider cannot reach it: 127.0.0.1 is a loopback address | give --public-url"));
}

TEST(doctor, is_not_content_with_anything_else_at_the_public_url) {
  Database database = Database::managed();
  EXPECT_THAT(doctor(database.url()).of("webhooks"),
              HasSubstr("warning webhooks: no webhook is asked for: jobs are found by asking alone"));
  std::string gone;
  {
    const ScriptedServer stranger{[](const std::string&) { return http_reply(200, "ok"); }};
    gone = stranger.url();
    EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_PUBLIC_URL", gone}}).of("webhooks"),
                HasSubstr("answers, but not as a jobwatchdog: HTTP 200 at /version"));
  }
  EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_PUBLIC_URL", gone}}).of("webhooks"),
              HasSubstr("warning webhooks: " + gone + " cannot be reached from here: "));
  const Diagnosis nonsense = doctor(database.url(), {{"WATCHDOG_PUBLIC_URL", "app.example?CANARY"}});
  EXPECT_EQ(nonsense.result.exit_code, 3);
  EXPECT_THAT(nonsense.of("webhooks"), HasSubstr("error webhooks: --public-url is no address of a server"));
  EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_PUBLIC_URL", "https://app.example?a=b"}}).of("webhooks"),
              HasSubstr("error webhooks: --public-url is no address of a server"));
}

HttpAnswer replied(int status, const std::string& body) {
  HttpAnswer answer;
  answer.kind = HttpAnswer::Kind::replied;
  answer.status = status;
  answer.body = body;
  return answer;
}

TEST(doctor, is_content_only_with_https_at_a_name_that_the_internet_knows) {
  const std::string us = R"({"name":"jobwatchdog","version":"1.2.3"})";
  const auto judged = [&](const std::string& url, int status = 200) {
    return judged_webhooks(*parse_web_address(url), replied(status, "ok"), replied(200, us));
  };
  EXPECT_EQ(judged("https://app.example/jobs").state, Check::State::ok);
  EXPECT_EQ(judged("https://app.example/jobs").words,
            "a jobwatchdog 1.2.3 answers at https://app.example/jobs");
  EXPECT_EQ(judged("https://app.example", 503).state, Check::State::warning);
  EXPECT_EQ(judged("http://app.example").state, Check::State::warning);
  EXPECT_THAT(judged("http://app.example").words, HasSubstr("in the clear"));
  EXPECT_EQ(judged("https://192.168.1.4").state, Check::State::warning);
}

TEST(web_address, is_known_to_be_private_by_its_spelling) {
  for (const char* host :
       {"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "100.64.0.1", "169.254.169.254", "::1", "::", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "localhost",
        "a.localhost", "database", "nas.local", "x.internal"})
    EXPECT_NE(privacy_of(host), "") << host;
  for (const char* host :
       {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2606:4700::1", "::ffff:8.8.8.8",
        "app.example", "local.example", "localhost.example"})
    EXPECT_EQ(privacy_of(host), "") << host;
}

TEST(web_address, is_safe_to_travel_to_when_encrypted_or_on_this_machine) {
  for (const char* text : {"https://app.example", "http://127.0.0.1:1", "http://[::1]", "http://LocalHost/x"})
    EXPECT_TRUE(travels_safely(*parse_web_address(text))) << text;
  for (const char* text :
       {"http://app.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.nip.io"})
    EXPECT_FALSE(travels_safely(*parse_web_address(text))) << text;
}

TEST(web_address, shows_no_password_and_is_nothing_else_than_a_server) {
  const auto address = parse_web_address("https://user:CANARY@App.Example:8443/jobs");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->shown, "https://app.example:8443/jobs");
  EXPECT_EQ(address->host, "app.example");
  EXPECT_EQ(parse_web_address("http://[::1]:80")->host, "::1");
  for (const char* text : {"", "app.example", "ftp://app.example", "https://", "https://app example",
                           "https://app.example/\n", "https://app.ex\xc3\xa4mple", "file:///etc/passwd"})
    EXPECT_FALSE(parse_web_address(text)) << text;
  for (const char* text : {"https://app.example?a=b", "https://app.example#a"})
    EXPECT_TRUE(parse_web_address(text)->has_query) << text;
  for (const char* text : {"https://user@app.example", "https://:word@app.example", "https://@app.example"})
    EXPECT_TRUE(parse_web_address(text)->has_user) << text;
  EXPECT_FALSE(parse_web_address("https://app.example/@me")->has_user);
}

TEST(doctor, listens_where_it_is_told_to_and_notices_another_database) {
  Database database = Database::managed();
  EXPECT_THAT(doctor(database.url()).of("listening"),
              HasSubstr("ok listening: changes are heard by the database's own connection"));
  EXPECT_THAT(doctor(database.url(), {{"WATCHDOG_DIRECT_DATABASE_URL", database.url()}}).of("listening"),
              HasSubstr("ok listening: changes are heard by --direct-database-url"));
  Database other = Database::empty();
  const Diagnosis elsewhere = doctor(database.url(), {}, {"--direct-database-url", other.url()});
  EXPECT_EQ(elsewhere.result.exit_code, 3);
  EXPECT_THAT(elsewhere.of("listening"),
              HasSubstr("error listening: --direct-database-url leads to another"));
  EXPECT_THAT(doctor(database.url(), {}, {"--direct-database-url", "postgresql://u:CANARY@127.0.0.1:1/x"})
                  .of("listening"),
              HasSubstr("warning listening: --direct-database-url: "));
}

TEST(doctor, notices_jobs_that_nobody_looks_at_and_submits_that_rest) {
  Database database = Database::managed();
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              HasSubstr("ok reconciling: jobs at work: 0, waiting: 0"));
  database.exec(
      "INSERT INTO public.upscaler_credits (user_id, balance) VALUES ('a0000000-0000-4000-8000-00000000000a', 100); "
      "SELECT watchdog.start_job('veste_ai_jobs', watchdog.create_job('veste_ai_jobs', 'a0000000-0000-4000-8000-00000000000a', "
      "'{\"inputs\": {\"person\": \"api/a.png\", \"clothing\": \"api/b.png\"}}', 10))");
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              HasSubstr("ok reconciling: jobs at work: 0, waiting: 1"));
  database.exec("UPDATE watchdog.active_jobs SET queued_at = now() - interval '6 min'");
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              AllOf(HasSubstr("warning reconciling: "), HasSubstr("waiting although there is room: 1"),
                    HasSubstr("is `jobwatchdog serve` running")));
  database.exec(
      "UPDATE watchdog.active_jobs SET queued_at = NULL, next_check_at = now() - interval '6 min', leased_at = now()");
  EXPECT_THAT(doctor(database.url()).of("reconciling"), HasSubstr("due for more than five minutes: 1"));
  database.exec(
      "UPDATE watchdog.active_jobs SET lease_until = now() + interval '1 min', lease_owner = 'node-7'");
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              AllOf(HasSubstr("ok reconciling: jobs at work: 1, waiting: 0; one was last looked at 2"),
                    HasSubstr("now by node-7")));
  database.exec(
      "UPDATE watchdog.runninghub_accounts SET submits_paused_until = now() + interval '1 min', pause_reason = 'no coins'");
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              HasSubstr("warning reconciling: jobs at work: 1, waiting: 0; one was last looked at 2"));
  EXPECT_THAT(doctor(database.url()).of("reconciling"),
              HasSubstr("nothing is submitted to arcano_main: no coins"));
}

TEST(doctor, says_when_nobody_has_switched_the_watching_on) {
  Database database = Database::managed();
  EXPECT_THAT(doctor(database.url()).of("flags"),
              HasSubstr("warning flags: sweeps are on; WATCHDOG_ENABLED is not set"));
  EXPECT_EQ(doctor(database.url(), {{"WATCHDOG_ENABLED", "true"}}).of("flags"),
            "ok flags: sweeps are on | \n");
}

TEST(doctor, asks_for_nothing_that_serve_needs_where_serve_cannot_be) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  const Diagnosis watch =
      doctor(database.url(), {{"WATCHDOG_JWT_SECRET", "CANARY short"}}, {"--config", config.path()});
  EXPECT_EQ(watch.result.exit_code, 0) << watch.result.out;
  for (const char* check : {"access", "roles", "listening", "webhooks", "reconciling", "provider"})
    EXPECT_EQ(watch.of(check), "");
}

}  // namespace
}  // namespace jobwatchdog::test
