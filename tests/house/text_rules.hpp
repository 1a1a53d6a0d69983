/// House rules that need one file only: each is a pure function from a file to what is wrong with it.
#pragma once

#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "tests/house/cpp_text.hpp"
#include "tests/house/project_files.hpp"
#include "tests/house/typescript_text.hpp"

namespace jobwatchdog::test {

inline std::string room_of(const std::string& path) { return path.substr(0, path.find('/')); }

inline bool is_cpp(const std::string& path) { return path.ends_with(".cpp") || path.ends_with(".hpp"); }

inline bool is_typescript(const std::string& path) {
  return path.ends_with(".ts") || path.ends_with(".tsx") || path.ends_with(".mts");
}

/// The arrows between the rooms: whom each may include.
inline Complaints include_complaints(const File& file) {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> arrows{
      {"core", {"core"}},
      {"native", {"core", "native"}},
      {"wasm", {"core", "wasm"}},
      {"tests", {"core", "native", "tests"}}};
  static const std::regex include{R"re((?:^|\n)\s*#\s*include\s*"([^"]*)")re"};
  Complaints complaints;
  for (const auto& [room, allowed] : arrows) {
    if (!is_cpp(file.path) || room_of(file.path) != room) continue;
    for (std::sregex_iterator match{file.text.begin(), file.text.end(), include}, end; match != end;
         ++match) {
      const std::string included = (*match)[1];
      const bool is_named_by_room = included.find('/') != std::string::npos;
      if (!is_named_by_room ||
          std::find(allowed.begin(), allowed.end(), room_of(included)) == allowed.end()) {
        complaints.push_back(room + " may not include \"" + included + "\"");
      }
    }
  }
  return complaints;
}

/// Of web/ only the library is published: it imports itself, React and the built core that lies beside it.
/// Nothing in web/ reaches into another room.
inline Complaints import_complaints(const File& file) {
  Complaints complaints;
  if (!is_typescript(file.path) || room_of(file.path) != "web") return complaints;
  const auto folder = std::filesystem::path{file.path}.parent_path();
  const bool is_library = file.path.starts_with("web/library/");
  for (const std::string& imported : typescript_imports(file.text)) {
    const std::string home = is_library ? "web/library/" : "web/";
    const bool is_path = imported.starts_with(".");
    const bool is_at_home = is_path && (folder / imported).lexically_normal().string().starts_with(home);
    const bool is_react = imported == "react" || imported.starts_with("react/");
    const bool is_node_for_node = file.path == "web/library/node.ts" && imported.starts_with("node:");
    if (is_path ? !is_at_home : is_library && !is_react && !is_node_for_node)
      complaints.push_back((is_library ? "web/library" : "web") + (" may not import \"" + imported + "\""));
  }
  return complaints;
}

/// Words that code must not use in some place. Comments and strings may.
struct BannedWords {
  std::string where;                ///< Beginning of the paths that it holds for.
  std::string words;                ///< Regular expression of whole words.
  std::string instead;              ///< The cure.
  std::vector<std::string> except;  ///< Beginnings of paths that may.
};

inline const std::vector<BannedWords>& banned_words() {
  static const std::vector<BannedWords> table{
      {"core/",
       "chrono|system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday",
       "now is an argument",
       {}},
      {"core/", "s?rand|random|random_device|mt19937(_64)?", "the draw is an argument", {}},
      {"core/", "getenv|setenv", "the policy is an argument", {}},
      {"core/",
       "j?thread|mutex|atomic|condition_variable|future|async",
       "core does nothing at the same time",
       {}},
      {"core/",
       "fstream|ifstream|ofstream|iostream|cout|cerr|cin|stdio|cstdio|f?printf|puts|fopen|filesystem",
       "core returns text",
       {}},
      {"core/",
       "throw|try|catch|exception|stdexcept",
       "a fact of the world is a value, a bug is require()",
       {}},
      {"core/", "pqxx|nlohmann|fmt|spdlog|toml|CLI|prometheus|emscripten", "core links nothing", {}},
      {"native/", "pqxx", "the seam native/database.hpp", {"native/database"}},
      // A provider has a clock of its own, which is not the database's.
      {"native/",
       "system_clock",
       "the database's clock",
       {"native/doctor/database_checks.cpp", "native/commands/emulate_provider.cpp"}},
      {"native/", "steady_clock", "native/stopwatch.hpp", {"native/stopwatch.hpp"}},
      {"native/",
       "sleep_for|sleep_until|usleep|nanosleep|s?rand|random_device",
       "native/retry.hpp",
       {"native/retry.cpp", "native/system_random.cpp"}},
      {"native/", "toml", "native/configuration.hpp", {"native/configuration", "native/toml_section.hpp"}},
      {"native/", "spdlog", "native/log.hpp", {"native/log.cpp"}},
      {"tests/", "GTEST_SKIP|DISABLED_\\w+", "a test that runs, or none", {}},
      // PostgreSQL and pg_cron tell nobody when they begin to wait or run: these two ask again and again, and
      // give up.
      {"tests/",
       "sleep_for|sleep_until|usleep|nanosleep|sleep",
       "wait for what happens, not for time",
       {"tests/support/", "tests/sql/pg_cron_test.cpp", "tests/sql/settle_jobs_test.cpp"}},
      {"web/library/",
       "Date\\.now|new Date|performance|setTimeout|setInterval|clearTimeout|clearInterval|requestAnimationFrame",
       "web/library/clock.ts",
       {"web/library/clock.ts"}},
      {"web/library/", "console", "web/library/log.ts", {"web/library/log.ts"}},
      {"web/library/", "eval|Function", "a strict policy of the page forbids it", {}},
      {"tests/web/", "\\.(skip|only|todo)", "a test that runs, or none", {}},
      {"tests/web/",
       "setTimeout|setInterval|waitForTimeout",
       "wait for what happens, not for time",
       {"tests/web/browser/pending_timers.ts"}},
  };
  return table;
}

inline Complaints banned_word_complaints(const File& file) {
  Complaints complaints;
  if (!is_cpp(file.path) && !is_typescript(file.path)) return complaints;
  const std::string code =
      is_cpp(file.path) ? without_comments_and_strings(file.text) : typescript_code(file.text);
  for (const BannedWords& ban : banned_words()) {
    const auto begins_path = [&](const std::string& start) { return file.path.starts_with(start); };
    if (!begins_path(ban.where) || std::any_of(ban.except.begin(), ban.except.end(), begins_path)) continue;
    std::smatch found;
    if (std::regex_search(code, found, std::regex{"\\b(" + ban.words + ")\\b"})) {
      complaints.push_back("uses " + found.str() + "; instead: " + ban.instead);
    }
  }
  return complaints;
}

/// Words that no file may hold, not even in a comment. They are written in two pieces here, for this file is
/// one.
inline Complaints forbidden_text_complaints(const File& file) {
  static const std::vector<std::string> texts{
      "TO"
      "DO",
      "FIX"
      "ME",
      "X"
      "XX",
      "npmjs"
      ".org",
      "npmjs"
      ".com",
      "deb"
      ".debian"
      ".org",
      "pypi"
      ".org",
      "yarnpkg"
      ".com",
      "crates"
      ".io",
      "conan"
      ".io",
      "docker"
      ".io"};
  Complaints complaints;
  for (const std::string& text : texts) {
    if (file.text.find(text) == std::string::npos) continue;
    const bool is_word = text.find('.') == std::string::npos;
    const std::regex pattern{is_word ? "\\b" + text + "\\b"
                                     : std::regex_replace(text, std::regex{"\\."}, "\\.")};
    if (std::regex_search(file.text, pattern)) complaints.push_back("holds \"" + text + "\"");
  }
  return complaints;
}

inline std::string line_of(const std::string& text, int number) {
  std::istringstream lines{text};
  std::string line;
  for (int i = 0; i < number; ++i) {
    if (!std::getline(lines, line)) return "";
  }
  return line;
}

/// What marks a comment in a file of this kind; nothing for kinds that have no comments or need none.
inline std::string comment_mark(const File& file) {
  const std::string& path = file.path;
  if (is_cpp(path) || is_typescript(path)) return "//";
  if (path.ends_with(".sql")) return "--";
  const bool is_script = file.text.starts_with("#!") || path.ends_with(".sh");
  return is_script || path.ends_with(".cmake") || path.ends_with("CMakeLists.txt") ? "#" : "";
}

/// A source file begins by saying what it is for. A line that a program reads (#!, --!) may stand before.
inline Complaints purpose_complaints(const File& file) {
  const std::string mark = comment_mark(file);
  if (mark.empty()) return {};
  std::string line = line_of(file.text, 1);
  if (line.starts_with(mark + "!")) line = line_of(file.text, 2);
  std::istringstream words{line};
  const auto word_count = std::distance(std::istream_iterator<std::string>{words}, {});
  if (line.starts_with(mark) && word_count >= 4) return {};
  return {"does not begin with a comment that tells its purpose"};
}

inline Complaints json_complaints(const File& file) {
  if (!file.path.ends_with(".json") || nlohmann::json::accept(file.text)) return {};
  return {"is not JSON"};
}

/// Not a whole YAML parser, but what most often breaks one: a tab in the indentation, a quote that is not
/// closed.
inline Complaints yaml_complaints(const File& file) {
  const bool is_yaml =
      file.path.ends_with(".yml") || file.path.ends_with(".yaml") || file.path.starts_with(".clang-");
  Complaints complaints;
  std::istringstream lines{file.text};
  for (std::string line; is_yaml && std::getline(lines, line);) {
    if (std::regex_search(line, std::regex{"^ *\t"})) complaints.push_back("indents with a tab: " + line);
    if (std::regex_search(line, std::regex{"^[^#'\"]*: +(\"[^\"]*|'[^']*)$"}))
      complaints.push_back("leaves a quote open: " + line);
  }
  return complaints;
}

}  // namespace jobwatchdog::test
