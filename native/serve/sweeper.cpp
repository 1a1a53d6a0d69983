// The sweeps of a node.
#include "native/serve/sweeper.hpp"

#include <chrono>

#include "native/log.hpp"
#include "native/metrics_text.hpp"
#include "native/retry.hpp"
#include "native/sweep_metrics.hpp"
#include "native/sweep_pass.hpp"

namespace jobwatchdog {
namespace {

void tell(const SweepResult& result) {
  const std::int64_t settled_count = result.total(&TableResult::settled_count);
  const std::int64_t isolated_count = result.total(&TableResult::isolated_count);
  const bool is_quiet = settled_count + isolated_count == 0 && result.outcome == SweepOutcome::done;
  log(is_quiet ? LogLevel::debug : LogLevel::info, "sweep",
      {{"settled", std::to_string(settled_count)},
       {"credits_back", std::to_string(result.total(&TableResult::refunded_credits))},
       {"could_not_be_settled", std::to_string(isolated_count)},
       {"took_ms", std::to_string(result.duration_ms)}});
}

void tell(const Failure& failure) {
  if (failure.code == ExitCode::locked) return;  // Another node sweeps.
  for (const Problem& problem : failure.problems)
    log(LogLevel::warning, "sweep: " + problem.where + ": " + problem.what, {{"mend", problem.mend}});
}

}  // namespace

Sweeper::Sweeper(GlobalOptions global, Duration period)
    : global_(std::move(global)), period_(period), thread_([this] { run(); }) {}

Sweeper::~Sweeper() {
  {
    const std::lock_guard lock{mutex_};
    stops_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

std::string Sweeper::metrics() {
  const std::lock_guard lock{mutex_};
  return metrics_;
}

void Sweeper::run() {
  for (Duration rest = milliseconds(period_.ms * drawn_permille(1000) / 1000); waits(rest); rest = period_)
    sweep_once();
}

bool Sweeper::waits(Duration time) {
  std::unique_lock lock{mutex_};
  return !stopping_.wait_for(lock, std::chrono::milliseconds{time.ms}, [this] { return stops_; });
}

void Sweeper::sweep_once() {
  Outcome<Configuration> configuration = open_configuration(global_);
  if (!configuration.ok()) return tell(configuration.error());
  Outcome<OpenedSweep> opened = open_sweep(global_, configuration.value());
  if (!opened.ok()) return tell(opened.error());
  SweepOptions options;
  options.batch_size = configuration.value().batch_size.value_or(options.batch_size);
  options.duration_max = configuration.value().duration_max.value_or(options.duration_max);
  const Outcome<SweepResult> result =
      run_sweep_pass(global_, configuration.value(), opened.value(), options, true);
  if (!result.ok()) return tell(result.error());
  tell(result.value());
  prometheus::Registry registry;
  last_success_s_ = add_sweep_metrics(registry, result.value(), configuration.value(), last_success_s_);
  const std::lock_guard lock{mutex_};
  metrics_ = metrics_text(registry);
}

}  // namespace jobwatchdog
