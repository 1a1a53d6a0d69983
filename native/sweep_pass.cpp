// A whole sweep.
#include "native/sweep_pass.hpp"

#include <algorithm>

#include "native/flags.hpp"
#include "native/history.hpp"
#include "native/log.hpp"
#include "native/open_provider.hpp"

namespace jobwatchdog {
namespace {

/// The lock that tells runs of each other. It sits in a transaction of its own connection: a pooler can carry
/// it.
class SweepLock {
 public:
  static Outcome<std::optional<SweepLock>> try_take(const GlobalOptions& global,
                                                    const Configuration& configuration) {
    Outcome<Connection> connection = open_connection(global, configuration);
    if (!connection.ok()) return connection.error();
    DatabaseResult<Transaction> transaction = connection.value().begin({.idle_timeout = Duration{0}});
    if (!transaction.ok()) return failure_of("taking the sweep's lock", transaction.error());
    const DatabaseResult<Rows> rows = transaction.value().query(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('jobwatchdog.sweep', 0)) AS is_ours");
    if (!rows.ok()) return failure_of("taking the sweep's lock", rows.error());
    if (!rows.value().boolean(0, "is_ours")) return std::optional<SweepLock>{};
    // The statement before keeps its snapshot until the next one, and with it every dead row of the database:
    // a script keeps none.
    if (auto error = transaction.value().run_script("SELECT"))
      return failure_of("taking the sweep's lock", *error);
    return std::optional<SweepLock>{SweepLock{std::move(connection.value()), std::move(transaction.value())}};
  }

 private:
  SweepLock(Connection connection, Transaction transaction)
      : connection_(std::move(connection)), transaction_(std::move(transaction)) {}

  Connection connection_;
  Transaction transaction_;  // After connection_: it ends first.
};

/// The lock, or nothing when another sweep has it and this one may work beside it.
Outcome<std::optional<SweepLock>> take_lock(const GlobalOptions& global, const Configuration& configuration,
                                            bool fail_if_locked) {
  Outcome<std::optional<SweepLock>> taken = SweepLock::try_take(global, configuration);
  if (!taken.ok() || taken.value()) return taken;
  if (fail_if_locked) {
    return Failure{ExitCode::locked,
                   {{"sweep", "another sweep is running on this database",
                     "let it finish, or leave --fail-if-locked out: sweeps may work side by side"}}};
  }
  log(LogLevel::info, "another sweep is running on this database; this one works beside it");
  return taken;
}

/// Asks once whether sweeps are on, and says when they are not. Whoever cannot find out does not sweep.
std::optional<Failure> obey_flag(Connection& connection, const Configuration& configuration,
                                 SweepOptions& options) {
  const Outcome<Flags> flags = Flags::open(connection, configuration);
  if (!flags.ok()) return flags.error();
  const KnownFlag& flag = flag_named(sweep_flag);
  const FlagAnswer answer = flags.value().ask(flag, {});
  if (answer.set_by != nullptr && answer.set_by->problem)
    return Failure{ExitCode::configuration, {problem_of(*answer.set_by)}};
  if (answer.evaluation.value.is_on()) return std::nullopt;
  options.switched_off_by = who_says(flag, answer);
  log(LogLevel::info,
      "sweeps are switched off by " + options.switched_off_by +
          (options.dry_run ? "; this dry run shows what one would do" : "; nothing is swept"));
  return std::nullopt;
}

/// The provider of the rules; nothing when none of them has one, or nobody has a key.
Outcome<std::unique_ptr<Provider>> open_provider_of(Connection& connection,
                                                    const Configuration& configuration,
                                                    const SchemaState& schema) {
  const bool is_wanted = std::any_of(configuration.rules.begin(), configuration.rules.end(),
                                     [](const Rule& rule) { return rule.provider.has_value(); });
  if (!is_wanted) return std::unique_ptr<Provider>{};
  return open_provider(connection, schema.has_managed);
}

/// Nodes read again what their pages look at.
void tell_of_any_job(Connection& connection) {
  const DatabaseResult<Rows> told = connection.query("SELECT pg_notify('watchdog_jobs', '*')", {}, {});
  if (!told.ok()) log(LogLevel::debug, "the sweep could not be told of: " + error_text(told.error()));
}

}  // namespace

Outcome<OpenedSweep> open_sweep(const GlobalOptions& global, Configuration& configuration) {
  // A batch of a thousand rows is told of once, after it.
  Configuration quiet = configuration;
  quiet.session.settings.emplace_back("watchdog.news", "later");
  Outcome<Connection> connection = open_connection(global, quiet);
  if (!connection.ok()) return connection.error();
  const Outcome<SchemaState> schema = open_schema(connection.value(), configuration);
  if (!schema.ok()) return schema.error();
  if (auto failure = watch_added_tools(connection.value(), configuration)) return *failure;
  Outcome<std::unique_ptr<Provider>> provider =
      open_provider_of(connection.value(), configuration, schema.value());
  if (!provider.ok()) return provider.error();
  return OpenedSweep{std::move(connection.value()), schema.value(), std::move(provider.value())};
}

Outcome<SweepResult> run_sweep_pass(const GlobalOptions& global, const Configuration& configuration,
                                    OpenedSweep& opened, SweepOptions options, bool fail_if_locked) {
  options.provider = opened.provider.get();
  if (auto failure = obey_flag(opened.connection, configuration, options)) return *failure;
  const bool settles = !options.dry_run && options.switched_off_by.empty();
  const Outcome<std::optional<SweepLock>> lock =
      settles ? take_lock(global, configuration, fail_if_locked) : std::optional<SweepLock>{};
  if (!lock.ok()) return lock.error();
  if (options.dry_run) warn_of_standby(opened.connection);
  History history = History::open(opened.connection, opened.schema);
  DatabaseResult<SweepResult> result = run_sweep(opened.connection, configuration, options, history);
  if (!result.ok()) return failure_of("sweep", result.error());
  if (opened.schema.has_managed && result.value().total(&TableResult::settled_count) > 0)
    tell_of_any_job(opened.connection);
  return std::move(result.value());
}

}  // namespace jobwatchdog
