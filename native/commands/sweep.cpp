// `jobwatchdog sweep`: one bounded pass, a dry run of it, or every fact behind one decision.
#include <algorithm>
#include <iostream>

#include "core/duration_text.hpp"
#include "core/rule_compiler.hpp"
#include "core/spelling.hpp"
#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/stop_signal.hpp"
#include "native/suspect_pass.hpp"
#include "native/sweep_metrics.hpp"
#include "native/sweep_pass.hpp"
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

}  // namespace

ExitCode run_sweep_command(const GlobalOptions& global, const SweepCommand& command) {
  Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<SweepOptions> options = sweep_options(command, global, configuration.value());
  if (!options.ok()) return report(options.error());
  Outcome<OpenedSweep> opened = open_sweep(global, configuration.value());
  if (!opened.ok()) return report(opened.error());
  if (!command.explain_id.empty())
    return explain(opened.value().connection, configuration.value(), command, global.json,
                   opened.value().provider.get());
  const Outcome<SweepResult> result =
      run_sweep_pass(global, configuration.value(), opened.value(), options.value(), command.fail_if_locked);
  if (!result.ok()) return report(result.error());
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
