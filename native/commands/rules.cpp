// `jobwatchdog rules list | check | show`: what the rules are, whether they fit, and the SQL that they
// compile to.
#include <algorithm>
#include <iostream>

#include "core/duration_text.hpp"
#include "core/rule_compiler.hpp"
#include "core/rule_lint.hpp"
#include "core/rule_text.hpp"
#include "core/spelling.hpp"
#include "native/catalog.hpp"
#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/rehearsal.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> table_names(const Rule& rule) {
  std::vector<std::string> names;
  for (const QualifiedName& table : rule.tables) names.push_back(display_name(table));
  return names;
}

std::string refund_words(const Rule& rule) {
  if (!rule.refund) return "-";
  if (rule.refund->function) return display_name(*rule.refund->function);
  return display_name(*rule.settle_function);
}

/// One table of one rule with all that was found out about it.
struct CheckedTable {
  std::string rule;
  std::string table;
  std::vector<Finding> findings;
};

const char* level_word(FindingLevel level) {
  switch (level) {
    case FindingLevel::error: return "error";
    case FindingLevel::warning: return "warning";
    case FindingLevel::note: break;
  }
  return "note";
}

void print_findings(const std::vector<CheckedTable>& tables) {
  for (const CheckedTable& checked : tables) {
    std::cout << (checked.findings.empty() ? "ok       " : "         ") << checked.rule << " on "
              << checked.table << "\n";
    for (const Finding& finding : checked.findings) {
      std::string word = level_word(finding.level);
      word.resize(9, ' ');
      std::cout << word << finding.problem.where << ": " << finding.problem.what << "\n";
      if (!finding.problem.mend.empty()) std::cout << "           mend: " << finding.problem.mend << "\n";
    }
  }
}

void print_findings_json(const std::vector<CheckedTable>& tables) {
  Json list = Json::array();
  for (const CheckedTable& checked : tables) {
    Json findings = Json::array();
    for (const Finding& finding : checked.findings) {
      findings.push_back({{"level", level_word(finding.level)},
                          {"where", finding.problem.where},
                          {"what", finding.problem.what},
                          {"mend", finding.problem.mend}});
    }
    list.push_back({{"rule", checked.rule}, {"table", checked.table}, {"findings", findings}});
  }
  std::cout << json_document(list);
}

bool has_level(const std::vector<CheckedTable>& tables, FindingLevel level) {
  return std::any_of(tables.begin(), tables.end(), [&](const CheckedTable& checked) {
    return std::any_of(checked.findings.begin(), checked.findings.end(),
                       [&](const Finding& finding) { return finding.level == level; });
  });
}

void append(std::vector<Finding>& target, const std::vector<Finding>& more) {
  target.insert(target.end(), more.begin(), more.end());
}

DatabaseResult<CheckedTable> check_table(Connection& connection, const Rule& rule, TableFacts facts,
                                         const std::vector<std::string>& known_tables, bool rehearse) {
  CheckedTable checked{rule.name, display_name(facts.table), lint_shape(rule, facts, known_tables)};
  const bool broken = has_level({checked}, FindingLevel::error);
  if (broken) return checked;
  if (auto error = add_behaviour(connection, rule, facts)) return *error;
  append(checked.findings, lint_behaviour(rule, facts));
  if (rehearse && !has_level({checked}, FindingLevel::error))
    append(checked.findings, rehearse_rule(connection, rule, facts.table));
  return checked;
}

}  // namespace

ExitCode run_rules_list(const GlobalOptions& global) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  const Duration period = configuration.value().policy.sweep_period;
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const Rule& rule : configuration.value().rules) {
    const Duration detection = detection_time_max(rule.older_than, period);
    rows.push_back(
        {rule.name, table_names(rule).front(), joined(rule.stuck_in), duration_text(rule.older_than),
         settled_status(rule), refund_words(rule),
         rule.provider ? rule.provider->name + ", until " + duration_text(rule.provider->hard_deadline) : "-",
         duration_text(detection)});
    for (std::size_t i = 1; i < rule.tables.size(); ++i)
      rows.push_back({"", display_name(rule.tables[i]), "", "", "", "", "", ""});
    list.push_back({{"name", rule.name},
                    {"tables", table_names(rule)},
                    {"stuck_in", rule.stuck_in},
                    {"older_than_ms", rule.older_than.ms},
                    {"settled_status", settled_status(rule)},
                    {"detection_time_max_ms", detection.ms}});
  }
  if (global.json) {
    std::cout << json_document({{"source", configuration.value().source}, {"rules", list}});
    return ExitCode::done;
  }
  std::cout << terminal_table({"rule", "table", "stuck in", "older than", "becomes", "refund", "provider",
                               "found within"},
                              rows)
            << "\nfrom " << configuration.value().source << "; \"found within\" assumes a sweep every "
            << duration_text(period) << " (WATCHDOG_SWEEP_PERIOD_MS)\n";
  return ExitCode::done;
}

ExitCode run_rules_show(const GlobalOptions& global, const RulesShowCommand& command) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  std::vector<std::string> names;
  for (const Rule& rule : configuration.value().rules) {
    names.push_back(rule.name);
    if (rule.name != command.rule) continue;
    if (!command.sql) {
      std::cout << rule_as_toml(rule);
      return ExitCode::done;
    }
    for (std::size_t i = 0; i < rule.tables.size(); ++i)
      std::cout << (i > 0 ? "\n\n" : "") << compiled_rule_text(rule, rule.tables[i]);
    return ExitCode::done;
  }
  return report(
      {ExitCode::usage,
       {{"rules show", "there is no rule \"" + command.rule + "\" in " + configuration.value().source,
         suggestion(command.rule, names)}}});
}

ExitCode run_rules_check(const GlobalOptions& global, const RulesCheckCommand& command) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  const DatabaseResult<std::vector<std::string>> known_tables = load_table_names(connection.value());
  if (!known_tables.ok()) return report(failure_of("reading the catalog", known_tables.error()));
  std::vector<CheckedTable> checked;
  for (const Rule& rule : configuration.value().rules) {
    const DatabaseResult<std::vector<TableFacts>> shapes = load_table_shapes(connection.value(), rule.tables);
    if (!shapes.ok()) return report(failure_of("reading the catalog", shapes.error()));
    for (const TableFacts& facts : shapes.value()) {
      const DatabaseResult<CheckedTable> table =
          check_table(connection.value(), rule, facts, known_tables.value(), command.rehearse);
      if (!table.ok()) return report(failure_of("checking " + display_name(facts.table), table.error()));
      checked.push_back(table.value());
    }
  }
  if (global.json) {
    print_findings_json(checked);
  } else if (!global.quiet || has_level(checked, FindingLevel::error)) {
    print_findings(checked);
  }
  const bool bad = has_level(checked, FindingLevel::error) ||
                   (command.strict && has_level(checked, FindingLevel::warning));
  return bad ? ExitCode::configuration : ExitCode::done;
}

}  // namespace jobwatchdog
