// `jobwatchdog sweep`: one bounded pass, a dry run of it, or every fact behind one decision.
#include <algorithm>
#include <iostream>

#include "core/duration_text.hpp"
#include "core/rule_compiler.hpp"
#include "core/spelling.hpp"
#include "native/commands.hpp"
#include "native/flags.hpp"
#include "native/history.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/open_provider.hpp"
#include "native/stop_signal.hpp"
#include "native/suspect_pass.hpp"
#include "native/sweep_metrics.hpp"
#include "native/sweep_report.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

/// What `--explain` tells of one row under one rule.
struct Explanation {
  std::string rule;
  std::string table;
  JobFacts job;
  std::string aged_since;
  Settlement settlement;
};

const char* kind_word(Settlement::Kind kind) {
  switch (kind) {
    case Settlement::Kind::keep: return "keep";
    case Settlement::Kind::report_exhausted: return "report: rescues used up";
    case Settlement::Kind::ask_provider: return "ask the provider";
    case Settlement::Kind::settle_by_rule: return "settle";
    case Settlement::Kind::settle_as_succeeded: return "settle as succeeded";
    case Settlement::Kind::settle_as_failed: break;
  }
  return "settle as failed";
}

Outcome<SweepOptions> sweep_options(const SweepCommand& command, const GlobalOptions& global,
                                    const Configuration& configuration) {
  SweepOptions options;
  options.only_rule = command.rule;
  options.dry_run = command.dry_run;
  options.show_progress = !global.json && !global.quiet;
  options.batch_size =
      command.batch_size > 0 ? command.batch_size : configuration.batch_size.value_or(options.batch_size);
  options.duration_max = configuration.duration_max.value_or(options.duration_max);
  if (!command.duration_max.empty()) {
    const Result<Duration> parsed = parse_duration(command.duration_max);
    if (!parsed.ok())
      return Failure{ExitCode::usage, {{"--max-duration", parsed.error().what, parsed.error().mend}}};
    options.duration_max = parsed.value();
  }
  std::vector<std::string> names;
  for (const Rule& rule : configuration.rules) {
    names.push_back(rule.name);
    if (rule.name == command.rule) return options;
  }
  if (command.rule.empty()) return options;
  return Failure{ExitCode::usage,
                 {{"--rule", "there is no rule \"" + command.rule + "\" in " + configuration.source,
                   suggestion(command.rule, names)}}};
}

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

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void print_explanation(const Explanation& e, const Rule& rule) {
  std::vector<std::vector<std::string>> rows{
      {"status", e.job.status + " (watched: " + joined(rule.stuck_in) + ")"},
      {joined(rule.age_of), or_dash(e.aged_since)},
      {"older_than", duration_text(rule.older_than)},
  };
  if (rule.rescues_max > 0)
    rows.push_back(
        {"rescues", std::to_string(e.job.rescue_count) + " of " + std::to_string(rule.rescues_max)});
  if (rule.provider) {
    rows.push_back(
        {"provider task", e.job.task_id.value_or("none: it never reached " + rule.provider->name)});
    rows.push_back({"hard_deadline", duration_text(rule.provider->hard_deadline)});
  }
  if (rule.refund) {
    rows.push_back({"charged", e.job.charged ? "yes" : "no"});
    rows.push_back({"already refunded", e.job.refunded ? "yes" : "no"});
    rows.push_back({"amount", grouped(e.job.refund_amount)});
  }
  rows.push_back({"decision", kind_word(e.settlement.kind)});
  rows.push_back({"because", e.settlement.reason});
  rows.push_back({"credits back", e.settlement.refund_due ? grouped(e.job.refund_amount) : "none"});
  std::cout << "rule " << e.rule << " on " << e.table << ", row " << e.job.key << "\n"
            << terminal_table({"fact", "value"}, rows) << "\n";
}

nlohmann::ordered_json explanation_json(const Explanation& e) {
  return {{"rule", e.rule},
          {"table", e.table},
          {"id", e.job.key},
          {"status", e.job.status},
          {"aged_since", e.aged_since},
          {"task_id", e.job.task_id ? nlohmann::json(*e.job.task_id) : nlohmann::json()},
          {"rescue_count", e.job.rescue_count},
          {"charged", e.job.charged},
          {"refunded", e.job.refunded},
          {"refund_amount", e.job.refund_amount},
          {"decision", kind_word(e.settlement.kind)},
          {"reason", e.settlement.reason},
          {"refund_due", e.settlement.refund_due}};
}

/// The row of that key in one table, judged; nothing when it is not there (or its key cannot be of this
/// table).
DatabaseResult<std::optional<Explanation>> explain_in(Connection& connection, const Rule& rule,
                                                      const QualifiedName& table, const std::string& id,
                                                      Instant now, Provider* provider) {
  const DatabaseResult<Rows> rows =
      connection.query(compile_rule(rule, table).find_one, {id}, {.read_only = true});
  const bool is_other_type =
      !rows.ok() && (rows.error().sqlstate == "22P02" || rows.error().sqlstate == "22003");
  if (is_other_type) return std::optional<Explanation>{};
  if (!rows.ok()) return rows.error();
  if (rows.value().size() == 0) return std::optional<Explanation>{};
  Explanation explanation{
      rule.name, display_name(table), facts_of(rows.value(), 0), rows.value().text(0, "aged_since"), {}};
  ProviderWords words;
  if (provider != nullptr) words = ask_about(*provider, rows.value(), [] { return stop_signal() != 0; });
  explanation.settlement = decide_settlement(
      rule, explanation.job, verdict_for(rule, explanation.job, provider != nullptr ? &words : nullptr), now);
  return std::optional{explanation};
}

ExitCode explain(Connection& connection, const Configuration& configuration, const SweepCommand& command,
                 bool as_json, Provider* provider) {
  const DatabaseResult<DatabaseNow> clock = database_now(connection);
  if (!clock.ok()) return report(failure_of("reading the database's clock", clock.error()));
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const Rule& rule : configuration.rules) {
    if (!command.rule.empty() && rule.name != command.rule) continue;
    for (const QualifiedName& table : rule.tables) {
      const auto found =
          explain_in(connection, rule, table, command.explain_id, clock.value().instant, provider);
      if (!found.ok()) return report(failure_of("reading " + display_name(table), found.error()));
      if (!found.value()) continue;
      list.push_back(explanation_json(*found.value()));
      if (!as_json) print_explanation(*found.value(), rule);
    }
  }
  if (as_json) std::cout << json_document(list);
  if (list.empty())
    return report({ExitCode::failure,
                   {{"--explain", "no watched table has a row with the key " + command.explain_id,
                     "check the id; `jobwatchdog rules list` names the tables"}}});
  return ExitCode::done;
}

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

}  // namespace

ExitCode run_sweep_command(const GlobalOptions& global, const SweepCommand& command) {
  Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<SweepOptions> options = sweep_options(command, global, configuration.value());
  if (!options.ok()) return report(options.error());
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  const Outcome<SchemaState> schema = open_schema(connection.value(), configuration.value());
  if (!schema.ok()) return report(schema.error());
  if (auto failure = watch_added_tools(connection.value(), configuration.value())) return report(*failure);
  Outcome<std::unique_ptr<Provider>> provider =
      open_provider_of(connection.value(), configuration.value(), schema.value());
  if (!provider.ok()) return report(provider.error());
  if (!command.explain_id.empty())
    return explain(connection.value(), configuration.value(), command, global.json, provider.value().get());
  options.value().provider = provider.value().get();
  if (auto failure = obey_flag(connection.value(), configuration.value(), options.value()))
    return report(*failure);

  const bool settles = !command.dry_run && options.value().switched_off_by.empty();
  const Outcome<std::optional<SweepLock>> lock =
      settles ? take_lock(global, configuration.value(), command.fail_if_locked) : std::optional<SweepLock>{};
  if (!lock.ok()) return report(lock.error());
  if (command.dry_run) warn_of_standby(connection.value());
  History history = History::open(connection.value(), schema.value());
  const DatabaseResult<SweepResult> result =
      run_sweep(connection.value(), configuration.value(), options.value(), history);
  if (!result.ok()) return report(failure_of("sweep", result.error()));
  if (global.json) {
    std::cout << sweep_json(result.value());
  } else if (!global.quiet || sweep_exit_code(result.value()) != ExitCode::done) {
    std::cout << sweep_text(result.value());
  }
  if (!command.metrics_file.empty() && !command.dry_run) {
    if (auto problem = write_sweep_metrics(command.metrics_file, result.value(), configuration.value()))
      log(LogLevel::warning, problem->what, {{"path", problem->where}, {"mend", problem->mend}});
  }
  return sweep_exit_code(result.value());
}

}  // namespace jobwatchdog
