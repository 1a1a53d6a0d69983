/// A spec put together from its own permutations and the actors' steps, and run by PostgreSQL's
/// isolationtester on a fresh managed database with the stage of stage.sql, with or without a mutant.
#pragma once

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/isolation/mutants.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {

/// Ships with PostgreSQL's client programs.
constexpr const char* isolationtester = "/usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester";

inline std::filesystem::path isolation_folder() { return project_root() / "tests/isolation"; }
inline std::string spec_text(const std::string& name) {
  return read_file(isolation_folder() / "specs" / (name + ".spec"));
}
inline std::filesystem::path expected_path(const std::string& name) {
  return isolation_folder() / "expected" / (name + ".out");
}

/// The names of all specs, sorted.
inline std::vector<std::string> spec_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{isolation_folder() / "specs"})
    names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

/// The mutant that a spec names as its negative control: "# control: ID".
inline std::string control_of(const std::string& spec) {
  std::smatch match;
  return std::regex_search(spec, match, std::regex{"(?:^|\n)# control: (\\S+)\n"}) ? match[1].str() : "";
}

/// The specs that name a mutant as their control.
inline std::vector<std::string> specs_controlled_by(const std::string& mutant) {
  std::vector<std::string> names = spec_names();
  std::erase_if(names, [&](const std::string& name) { return control_of(spec_text(name)) != mutant; });
  return names;
}

/// The ways in which a spec is played: with a page that is taken at once and with one that is found and then
/// locked by its keys, whose outcomes are the same. Only one, if its header names it: "# way: take".
inline std::vector<std::string> ways_of(const std::string& spec) {
  std::smatch match;
  if (std::regex_search(spec, match, std::regex{"(?:^|\n)# way: (take|lock)\n"})) return {match[1]};
  if (std::regex_search(spec, std::regex{"\npermutation .*_lock\\b"})) return {"take", "lock"};
  return {"none"};  // Nobody sweeps.
}

/// The way in which a spec can notice a mutant; "" when the mutant's statement is not among its steps.
inline std::string way_for(const Mutant& mutant, const std::string& spec) {
  const std::vector<std::string> ways = ways_of(spec);
  if (mutant.way.empty()) return ways.front();
  return std::find(ways.begin(), ways.end(), mutant.way) == ways.end() ? "" : mutant.way;
}

/// The steps of each actor, as lines of actors.spec by the actor's letter.
inline std::map<std::string, std::vector<std::string>> actors() {
  std::map<std::string, std::vector<std::string>> steps;
  std::string actor;
  std::istringstream lines{read_file(isolation_folder() / "actors.spec")};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("session ")) actor = line.substr(8);
    if (line.starts_with("step ")) steps[actor].push_back(line);
  }
  return steps;
}

/// The session of `letters` (s, or s2 for a second one) with those of its actor's steps that `used` holds.
inline std::string session_text(const std::string& letters, const std::set<std::string>& used) {
  static const auto steps = actors();
  const std::string actor = letters.substr(0, 1);
  std::string text = "session " + letters + "\n";
  if (!steps.contains(actor)) throw std::runtime_error("no actor " + actor + " in actors.spec");
  for (const std::string& line : steps.at(actor)) {
    const std::string step = letters + line.substr(6, line.find(' ', 5) - 6);
    if (used.contains(step)) text += "step " + step + line.substr(line.find(' ', 5)) + "\n";
  }
  return text;
}

/// What isolationtester reads: the world, the spec's own setup, the sessions that its permutations name,
/// these.
inline std::string composed(const std::string& spec, const std::string& way) {
  const std::size_t first = spec.find("\npermutation ") + 1;
  std::set<std::string> used;
  std::set<std::string> sessions;
  static const std::regex step{"\\b([a-z][0-9]?)_[a-z0-9_]+"};
  std::istringstream lines{spec.substr(first)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("permutation ")) continue;
    for (std::sregex_iterator match{line.begin(), line.end(), step}, end; match != end; ++match) {
      used.insert(match->str());
      sessions.insert((*match)[1]);
    }
  }
  std::string text = "setup { CALL stage.reset('" + way + "'); }\n" + spec.substr(0, first) +
                     "setup { CALL stage.remember(); }\n";
  for (const std::string& session : sessions) text += session_text(session, used);
  return text + spec.substr(first);
}

/// The texts behind the names that a step may call: the functions of sql/ and of the stage.
inline const std::map<std::string, std::string>& callable_texts() {
  static const auto texts = [] {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{project_root() / "sql/functions"}) {
      for (const char* schema : {"watchdog.", "public."})
        found[schema + entry.path().stem().string()] = read_file(entry.path());
    }
    const std::string stage = read_file(isolation_folder() / "stage.sql");
    static const std::regex made{"CREATE (?:FUNCTION|PROCEDURE) (stage\\.[a-z_]+)"};
    for (std::sregex_iterator match{stage.begin(), stage.end(), made}, end; match != end; ++match) {
      const auto begin = static_cast<std::size_t>(match->position());
      found[(*match)[1]] = stage.substr(begin, stage.find("\nCREATE ", begin) - begin);
    }
    std::string& run = found["stage.run"];
    for (const CompiledStatement& statement : all_statements()) run += statement.sql;
    std::erase(run, '"');
    return found;
  }();
  return texts;
}

/// All that a text calls, by itself or through others.
inline std::set<std::string> called_by(const std::string& sql) {
  std::set<std::string> called;
  std::vector<std::string> texts{sql};
  while (!texts.empty()) {
    const std::string text = std::move(texts.back());
    texts.pop_back();
    static const std::regex name{"(?:stage|watchdog|public)\\.[a-z_]+"};
    for (std::sregex_iterator match{text.begin(), text.end(), name}, end; match != end; ++match) {
      const auto callable = callable_texts().find(match->str());
      if (callable != callable_texts().end() && called.insert(match->str()).second)
        texts.push_back(callable->second);
    }
  }
  return called;
}

/// Whether a spec plays what a mutant is made of. A function that nothing names is a trigger, which every
/// spec may set off, as it may run into a constraint.
inline bool reaches(const std::string& spec, const Mutant& mutant) {
  const std::string text = composed(spec, "none");
  if (!mutant.rule.empty()) return text.find(quoted(mutant.rule)) != std::string::npos;
  const auto is_named = [&](const std::set<std::string>& names) {
    return names.contains("watchdog." + mutant.subject) || names.contains("public." + mutant.subject);
  };
  static const std::set<std::string> all = [] {
    std::string steps;
    for (const auto& [actor, lines] : actors()) {
      for (const std::string& line : lines) steps += line + "\n";
    }
    return called_by(steps);
  }();
  return !is_named(all) || is_named(called_by(text));
}

/// The laws of sql/audit.sql as one view: the file that `jobwatchdog audit` runs, not a copy of it.
inline std::string violations_view() {
  static const std::string opening = "--! law: ";
  const std::string text = read_file(project_root() / "sql/audit.sql");
  std::string view;
  for (std::size_t at = text.find(opening); at != std::string::npos;) {
    const std::size_t line_end = text.find('\n', at);
    const std::size_t next = text.find(opening, line_end);
    const std::string words = text.substr(at + opening.size(), line_end - at - opening.size());
    const std::string sql = text.substr(line_end, next == std::string::npos ? next : next - line_end);
    view += (view.empty() ? "CREATE VIEW stage.violations AS " : " UNION ALL ") +
            ("SELECT " + quoted(words)) + " AS law, found.record, found.detail FROM (" +
            sql.substr(0, sql.rfind(';')) + ") AS found";
    at = next;
  }
  return view;
}

/// A managed database, perhaps with a mutant in it, on which the specs can play.
inline Database staged(const Mutant* mutant = nullptr) {
  Database database = Database::managed();
  if (mutant != nullptr && !mutant->schema_sql.empty()) database.exec(mutant->schema_sql);
  std::string sql = read_file(isolation_folder() / "stage.sql") + violations_view() + ";";
  for (const CompiledStatement& statement : all_statements()) {
    sql += "INSERT INTO stage.statements VALUES (" + quoted(statement.rule) + "," +
           quoted(statement.relation) + "," + quoted(statement.step) + "," + quoted(statement.sql) + ");";
  }
  database.exec(sql);
  if (mutant != nullptr && !mutant->stage_sql.empty()) database.exec(mutant->stage_sql);
  return database;
}

/// Plays one spec in one of its ways and gives all that isolationtester said. A step that waits longer than
/// it may is cancelled.
/** Errors: throws when isolationtester could not play it to its end, which is no outcome of a race. */
inline std::string play(const Database& database, const std::string& spec, const std::string& way,
                        int seconds_waited_max) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / (database.name() + ".spec");
  std::ofstream{path} << composed(spec, way);
  const ProcessResult result =
      run({"sh", "-c", "exec \"$0\" \"$1\" < \"$2\"", isolationtester, database.url(), path},
          {{"PGISOLATIONTIMEOUT", std::to_string(seconds_waited_max)}});
  std::filesystem::remove(path);
  if (result.exit_code != 0) throw std::runtime_error(result.err + result.out);
  return result.out;
}

}  // namespace jobwatchdog::test
