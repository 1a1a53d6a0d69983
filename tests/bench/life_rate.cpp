// How many whole lives of jobs a second one node and its database manage: create -> charge -> admit ->
// running -> settled, with a provider that answers at once. Run by script/bench life; prints one line of
// JSON.
//
// Usage: life_rate DATABASE_URL CONNECTIONS JOBS
// One connection is the node's; the others are users who start jobs, one transaction a job. As many slots as
// connections.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <iostream>
#include <pqxx/pqxx>
#include <thread>
#include <vector>

#include "native/life/reconciler.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

/// Takes every task, finishes it before it is asked about, and counts how many it had at once.
class InstantProvider final : public Provider {
 public:
  void ask(ProviderQuestion question) override {
    ProviderAnswer answer;
    answer.number = question.number;
    answer.kind = question.kind;
    if (question.kind == ProviderQuestion::Kind::submit) {
      answer.submission.kind = Submission::Kind::accepted;
      answer.submission.task_id = run_ + std::to_string(++task_count_);
      tasks_at_once_max_ = std::max(tasks_at_once_max_, ++tasks_at_once_);
    } else if (question.kind == ProviderQuestion::Kind::query) {
      answer.verdict.kind = Verdict::Kind::succeeded;
      answer.verdict.output_urls = {"https://result.example/" + question.task_id + ".png"};
      --tasks_at_once_;
    }
    answers_.push_back(std::move(answer));
  }
  std::vector<ProviderAnswer> wait(Duration /*patience*/) override {
    std::vector<ProviderAnswer> all{answers_.begin(), answers_.end()};
    answers_.clear();
    return all;
  }
  [[nodiscard]] std::size_t under_way() const override { return answers_.size(); }
  [[nodiscard]] int tasks_at_once_max() const { return tasks_at_once_max_; }

 private:
  std::deque<ProviderAnswer> answers_;
  std::string run_{std::to_string(getpid()) +
                   std::to_string(std::time(nullptr))};  ///< No two runs use one id.
  std::int64_t task_count_{0};
  int tasks_at_once_{0};  ///< At most the slots: a task counts until its job is known to be done.
  int tasks_at_once_max_{0};
};

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "life_rate: " << why << "\n";
  std::exit(1);
}

Connection connect(const std::string& url) {
  DatabaseResult<Connection> connection = Connection::open(url, {});
  if (!connection.ok()) give_up(connection.error().message);
  return std::move(connection.value());
}

void must(const DatabaseResult<Rows>& rows) {
  if (!rows.ok()) give_up(error_text(rows.error()));
}

void prepare(Connection& connection, int slot_count, int user_count) {
  must(connection.query(
      "INSERT INTO watchdog.provider_slots (account, slot) SELECT 'arcano_main', n FROM generate_series(1, $1::integer) AS n "
      "ON CONFLICT DO NOTHING",
      {std::to_string(slot_count)}, {}));
  must(connection.query("DELETE FROM watchdog.provider_slots WHERE slot > $1::integer",
                        {std::to_string(slot_count)}, {}));
  must(connection.query(
      "INSERT INTO public.upscaler_credits (user_id, balance) SELECT md5('user ' || n)::uuid, 1000000 "
      "FROM generate_series(0, $1::integer) AS n ON CONFLICT DO NOTHING",
      {std::to_string(user_count)}, {}));
}

/// One user after the other clicks, each in a transaction of its own, as a server with a pool of connections
/// sends it.
void start_jobs(const std::string& url, std::atomic<int>& next, int job_count) {
  pqxx::connection connection{url};
  connection.prepare(
      "click",
      "SELECT started.outcome FROM watchdog.create_job('upscaler_jobs', md5('user ' || $1)::uuid, '{\"app\": \"pro\"}', 10) AS made (id), "
      "LATERAL watchdog.start_job('upscaler_jobs', made.id) AS started");
  pqxx::nontransaction work{connection};
  for (int job = next++; job < job_count; job = next++) {
    const pqxx::result started = work.exec_prepared("click", std::to_string(job));
    if (started[0][0].as<std::string>() != "queued") give_up("a job was not started");
  }
}

ReconcilerOptions node_options() {
  ReconcilerOptions options;
  options.holder = {"life_rate", seconds(60), milliseconds(0)};
  options.policy_of = [](const std::string& /*tool*/) {
    return ToolPolicy{true,
                      {.initial_delay = milliseconds(0),
                       .poll_interval = seconds(15),
                       .timeout_max = minutes(12),
                       .retry_delay_min = {}}};
  };
  options.must_stop = [] { return false; };
  return options;
}

int run(const std::string& url, int connection_count, int job_count) {
  Connection connection = connect(url);
  prepare(connection, connection_count, job_count);
  InstantProvider provider;
  SqlLifeStore store{connection, node_options().holder, node_options().must_stop};
  Reconciler reconciler{store, provider, node_options()};
  std::atomic<int> next{0};
  const Stopwatch stopwatch;
  std::vector<std::thread> users;
  for (int i = 1; i < connection_count; ++i) users.emplace_back([&] { start_jobs(url, next, job_count); });
  while (reconciler.counts().completed < job_count) {
    if (auto error = reconciler.turn(milliseconds(1))) give_up(error_text(*error));
  }
  const Duration took = stopwatch.elapsed();
  for (std::thread& user : users) user.join();
  std::cout << "{\"connections\": " << connection_count << ", \"jobs\": " << job_count
            << ", \"ms\": " << took.ms
            << ", \"jobs_per_second\": " << job_count * 1000 / std::max<std::int64_t>(took.ms, 1)
            << ", \"tasks_at_once_max\": " << provider.tasks_at_once_max() << "}\n";
  return provider.tasks_at_once_max() <= connection_count ? 0 : 1;
}

}  // namespace
}  // namespace jobwatchdog

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: life_rate DATABASE_URL CONNECTIONS JOBS\n";
    return 2;
  }
  return jobwatchdog::run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
}
