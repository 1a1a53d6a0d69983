/// Every mutant of the managed schema: of its functions' text, of its constraints and triggers, and of the
/// statements that rules compile to. Enumerated, so that a guard of tomorrow is among them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/isolation/sql_mutants.hpp"
#include "tests/sql/seed.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {

struct Mutant {
  std::string id;            ///< SUBJECT__GUARD, of letters, digits and '_'.
  std::string subject;       ///< The function, the table or the rule's statement.
  std::string schema_sql{};  ///< Takes the guard away before the stage is built, or
  std::string stage_sql{};   ///< after it.
  std::string way{};         ///< take or lock, when it is of that statement.
  std::string rule{};        ///< When it is of a rule's statement.
};

/// One statement of a compiled rule, as `jobwatchdog rules show --sql` prints it.
struct CompiledStatement {
  std::string rule;
  std::string relation;
  std::string step;  ///< take, find, lock, settle, refund, suspects, asked, succeed.
  std::string sql;
};

/// The statements of a rule: the built-in ones without `config`.
inline std::vector<CompiledStatement> compiled_statements(const std::string& rule,
                                                          const std::string& config) {
  const ProcessResult shown =
      run_jobwatchdog({"rules", "show", rule, "--sql"}, {{"WATCHDOG_CONFIG", config}});
  if (shown.exit_code != 0) throw std::runtime_error("rules show " + rule + ": " + shown.err);
  std::vector<CompiledStatement> statements;
  std::string relation;
  std::istringstream lines{shown.out};
  for (std::string line; std::getline(lines, line);) {
    static const std::regex heading{"-- Rule .* on (\\S+)"};
    static const std::regex step{
        "-- (take|find|lock|settle|refund|suspects|asked|succeed|rest|exhausted|an index)\\b.*"};
    std::smatch match;
    if (std::regex_match(line, match, heading)) {
      relation = match[1];
    } else if (std::regex_match(line, match, step)) {
      statements.push_back({rule, relation, match[1], ""});
    } else if (!statements.empty() && !line.empty()) {
      statements.back().sql += (line.ends_with(";") ? line.substr(0, line.size() - 1) : line) + "\n";
    }
  }
  return statements;
}

/// Of the two built-in rules and of the one in watched.toml.
inline const std::vector<CompiledStatement>& all_statements() {
  static const std::vector<CompiledStatement> statements = [] {
    std::vector<CompiledStatement> all;
    const std::string watched = project_root() / "tests/isolation/watched.toml";
    for (const auto& [rule, config] : std::vector<std::pair<std::string, std::string>>{
             {"stuck-exams", ""}, {"stale-ai-jobs", ""}, {"stale-tasks", watched}}) {
      const auto more = compiled_statements(rule, config);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return statements;
}

/// The functions that touch what is guarded, themselves or through one another, by their name with its
/// schema.
inline std::map<std::string, std::string> moving_functions() {
  std::map<std::string, std::string> moving;
  std::set<std::string> names;
  for (std::size_t known = 1; known != names.size();) {
    known = names.size();
    for (const auto& entry : std::filesystem::directory_iterator{project_root() / "sql/functions"}) {
      const std::string sql = read_file(entry.path());
      if (!moves_what_is_guarded(sql, names)) continue;
      moving[entry.path().stem()] = sql;
      names.insert({"watchdog." + entry.path().stem().string(), "public." + entry.path().stem().string()});
    }
  }
  return moving;
}

inline std::vector<Mutant> function_mutants() {
  std::vector<Mutant> mutants;
  for (const auto& [name, sql] : moving_functions()) {
    for (const SqlMutant& mutant : function_text_mutants(sql))
      mutants.push_back({name + "__" + mutant.name, name, mutant.text});
  }
  return mutants;
}

/// The tables of one rule compile to the same text, so the first stands for all.
inline std::vector<Mutant> rule_mutants() {
  static const std::set<std::string> guarded_steps{"take", "lock", "settle", "refund"};
  std::vector<Mutant> mutants;
  std::map<std::string, std::string> first_relation;
  for (const CompiledStatement& statement : all_statements()) {
    const std::string relation = first_relation.try_emplace(statement.rule, statement.relation).first->second;
    if (relation != statement.relation || !guarded_steps.contains(statement.step)) continue;
    std::string subject = "rule_" + statement.rule + "_" + statement.step;
    std::replace(subject.begin(), subject.end(), '-', '_');
    const bool picks = statement.step == "take" || statement.step == "lock";
    for (const SqlMutant& mutant : statement_mutants(statement.sql)) {
      mutants.push_back({subject + "__" + mutant.name, subject, "",
                         "UPDATE stage.statements SET sql = " + quoted(mutant.text) +
                             " WHERE (rule, relation, step) = (" + quoted(statement.rule) + ", " +
                             quoted(relation) + ", " + quoted(statement.step) + ")",
                         picks ? statement.step : "", statement.rule});
    }
  }
  return mutants;
}

/// The constraints, unique indexes and triggers of the guarded tables, by the snapshot that a test of the
/// room sql keeps equal to the catalog.
inline std::vector<Mutant> catalog_mutants() {
  std::vector<Mutant> mutants;
  const std::string schema = read_file(project_root() / "sql/schema.sql");
  const auto add = [&](const std::string& table, const std::string& name, const std::string& sql) {
    if (std::find(guarded_tables().begin(), guarded_tables().end(), table) == guarded_tables().end()) return;
    const std::string subject = table.substr(table.find('.') + 1);
    mutants.push_back({subject + "__" + name, subject, sql});
  };
  static const std::regex line_of_interest{
      "(?:CREATE TABLE|ALTER TABLE ONLY) (\\S+).*|\\s+(?:ADD )?CONSTRAINT (\\S+) .*|CREATE UNIQUE INDEX (\\S+) ON (?:ONLY )?(\\S+) .*"
      "|CREATE TRIGGER (\\S+) .*? ON (\\S+) .*"};
  std::istringstream lines{schema};
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, line_of_interest)) continue;
    if (match[1].matched) table = match[1];
    if (match[2].matched)
      add(table, match[2], "ALTER TABLE " + table + " DROP CONSTRAINT " + match[2].str() + " CASCADE");
    if (match[3].matched) add(match[4], match[3], "DROP INDEX public." + match[3].str());
    if (match[5].matched) add(match[6], match[5], "DROP TRIGGER " + match[5].str() + " ON " + match[6].str());
  }
  return mutants;
}

inline const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> mutants = [] {
    std::vector<Mutant> all = function_mutants();
    for (const auto& more : {catalog_mutants(), rule_mutants()})
      all.insert(all.end(), more.begin(), more.end());
    std::sort(all.begin(), all.end(), [](const Mutant& a, const Mutant& b) { return a.id < b.id; });
    return all;
  }();
  return mutants;
}

inline const Mutant* find_mutant(const std::string& id) {
  const auto found = std::find_if(all_mutants().begin(), all_mutants().end(),
                                  [&](const Mutant& mutant) { return mutant.id == id; });
  return found == all_mutants().end() ? nullptr : &*found;
}

/// A file of "ID: WORDS" on a line, of which those that begin with # say what it is.
inline std::map<std::string, std::string> words_by_mutant(const std::filesystem::path& path) {
  std::map<std::string, std::string> words;
  std::istringstream lines{read_file(path)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    words[line.substr(0, line.find(": "))] = line.substr(std::min(line.find(": ") + 2, line.size()));
  }
  return words;
}

/// Mutants that no spec can tell from the original, each with the reason.
inline std::map<std::string, std::string> known_survivors() {
  return words_by_mutant(project_root() / "tests/isolation/survivors.txt");
}

inline std::filesystem::path killers_path() { return project_root() / "tests/isolation/killers.txt"; }

/// The spec that noticed a mutant when it was last recorded.
inline std::map<std::string, std::string> known_killers() { return words_by_mutant(killers_path()); }

}  // namespace jobwatchdog::test
