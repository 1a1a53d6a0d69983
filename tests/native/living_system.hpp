/// A whole system for tests: a managed database, an emulated provider, and nodes that serve, each a process
/// of its own.
#pragma once

#include <algorithm>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "native/http/http_server.hpp"
#include "tests/support/background_process.hpp"
#include "tests/support/database.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {

class LivingSystem {
 public:
  using Json = nlohmann::json;

  /// `faults` are options of emulate-provider. Jobs are first asked about after a second, and then every
  /// second.
  explicit LivingSystem(const std::vector<std::string>& faults = {}) {
    std::vector<std::string> emulator{jobwatchdog_binary(), "emulate-provider", "--listen", "127.0.0.1:0",
                                      "--json"};
    emulator.insert(emulator.end(), faults.begin(), faults.end());
    if (std::find(faults.begin(), faults.end(), "--task-time") == faults.end())
      emulator.insert(emulator.end(), {"--task-time", "1 s"});
    emulator_ = std::make_unique<BackgroundProcess>(emulator, without_proxies({}));
    const std::string told = emulator_->wait_for_error_line("listening on ");
    const std::size_t from = told.find("http://");
    provider_url_ = told.substr(from, told.find(' ', from) - from);
    database_.exec(
        "INSERT INTO public.upscaler_credits (user_id, balance) SELECT md5('user ' || n)::uuid, 100 FROM generate_series(1, 50) AS n");
    set_flag("WATCHDOG_ENABLED", "true");
  }

  [[nodiscard]] Database& database() { return database_; }

  void set_flag(const std::string& name, const std::string& value) {
    database_.exec("SELECT watchdog.set_feature_flag('" + name + "', '" + value + "', 'test')");
  }

  /// Another node, with the webhooks of its jobs coming to itself. `env` is laid over environment().
  BackgroundProcess& start_node(const std::map<std::string, std::string>& env = {}) {
    const int port = free_port();
    const std::string address = "127.0.0.1:" + std::to_string(port);
    node_url_ = "http://" + address;
    std::map<std::string, std::string> all = environment();
    for (const auto& [name, value] : env) all[name] = value;
    nodes_.push_back(std::make_unique<BackgroundProcess>(
        std::vector<std::string>{jobwatchdog_binary(), "serve", "--json", "--no-sweeps", "--listen", address,
                                 "--public-url", "http://" + address},
        all));
    (void)nodes_.back()->wait_for_error_line("listening on ");
    return *nodes_.back();
  }

  [[nodiscard]] const std::string& node_url() const { return node_url_; }  ///< Of the last one.

  /// What commands of this system need to know.
  [[nodiscard]] std::map<std::string, std::string> environment() const {
    return without_proxies({{"DATABASE_URL", database_.url()},
                            {"WATCHDOG_RUNNINGHUB_URL", provider_url_},
                            {"WATCHDOG_RUNNINGHUB_API_KEY", "emulated-key-1"},
                            {"WATCHDOG_PUBLISHABLE_KEYS", "sb_publishable_0123456789abcdef"},
                            {"WATCHDOG_JWT_SECRET", "a secret of living systems, long enough"},
                            {"WATCHDOG_INITIAL_DELAY_MS", "1000"},
                            {"WATCHDOG_POLL_INTERVAL_MS", "1000"}});
  }

  /// Users 1 to `count` each start a job of 10 credits.
  void start_jobs(int count) {
    database_.exec(
        "SELECT started.outcome FROM generate_series(1, " + std::to_string(count) +
        ") AS n, LATERAL watchdog.create_job('veste_ai_jobs', md5('user ' || n)::uuid, "
        "'{\"inputs\": {\"person\": \"api/a.png\", \"clothing\": \"api/b.png\"}}', 10) AS made (id), "
        "LATERAL watchdog.start_job('veste_ai_jobs', made.id) AS started");
  }

  /// Waits until the query gives "t"; whether it did within the time.
  [[nodiscard]] bool comes_true(const std::string& condition, Duration patience = seconds(40)) {
    return database_.value(
               "DO $$ DECLARE v_is_true boolean; BEGIN FOR i IN 1 .. " + std::to_string(patience.ms / 50) +
               " LOOP EXECUTE $condition$SELECT " + condition +
               "$condition$ INTO v_is_true; EXIT WHEN v_is_true; COMMIT; PERFORM pg_sleep(0.05); END LOOP; END $$") ==
               "" &&
           database_.value("SELECT " + condition) == "t";
  }

  [[nodiscard]] bool all_jobs_end() {
    return comes_true(
        "NOT EXISTS (SELECT FROM public.ai_jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')) "
        "AND NOT EXISTS (SELECT FROM watchdog.provider_slots WHERE state <> 'free')");
  }

  /// Ends a node as SIGTERM does, and gives what it counted.
  static Json end(BackgroundProcess& node) {
    node.signal(SIGTERM);
    return Json::parse(node.finish().out, nullptr, false);
  }
  /// Ends the emulator, and gives what it counted.
  Json end_provider() { return end(*emulator_); }

  [[nodiscard]] ProcessResult audit() const { return run_jobwatchdog({"audit"}, environment()); }

 private:
  static int free_port() {
    Result<HttpServer> server = HttpServer::start({}, [](const HttpRequest&) { return HttpReply{}; });
    return server.value().port();
  }

  Database database_{Database::managed()};
  std::unique_ptr<BackgroundProcess> emulator_;
  std::vector<std::unique_ptr<BackgroundProcess>> nodes_;
  std::string provider_url_;
  std::string node_url_;
};

}  // namespace jobwatchdog::test
