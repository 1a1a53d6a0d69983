/// The project's files as the house rules see them: what git knows, and what it would take if asked.
#pragma once

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {

struct File {
  std::string path;  ///< From the project's root, with '/'.
  std::string text;
};

/// What one rule has against one file, in words.
using Complaints = std::vector<std::string>;

inline bool is_ignored_folder(const std::string& name) {
  return name == ".git" || name == ".local" || name == "build" || name == "node_modules";
}

/// Every path below the root; for a copy of the project that has no git.
inline std::vector<std::string> walked_paths() {
  std::vector<std::string> paths;
  const auto root = project_root();
  for (auto entry = std::filesystem::recursive_directory_iterator{root}; entry != end(entry); ++entry) {
    if (entry->is_directory() && is_ignored_folder(entry->path().filename()))
      entry.disable_recursion_pending();
    if (entry->is_regular_file()) paths.push_back(std::filesystem::relative(entry->path(), root));
  }
  return paths;
}

inline std::vector<std::string> known_paths() {
  // The owner of the checkout may be another user than the one who tests it.
  const auto listed = run({"git", "-c", "safe.directory=*", "-C", project_root(), "ls-files", "-z",
                           "--cached", "--others", "--exclude-standard"});
  if (listed.exit_code != 0) return walked_paths();
  std::vector<std::string> paths;
  std::istringstream names{listed.out};
  for (std::string name; std::getline(names, name, '\0');) paths.push_back(name);
  return paths;
}

/// All files that are there, by path. A file that git knows and somebody has just removed is not there.
inline const std::vector<File>& project_files() {
  static const std::vector<File> files = [] {
    std::vector<File> read;
    for (const std::string& path : known_paths()) {
      std::ifstream stream{project_root() / path, std::ios::binary};
      if (!stream || !std::filesystem::is_regular_file(project_root() / path)) continue;
      std::ostringstream text;
      text << stream.rdbuf();
      read.push_back({path, text.str()});
    }
    std::sort(read.begin(), read.end(), [](const File& a, const File& b) { return a.path < b.path; });
    return read;
  }();
  return files;
}

}  // namespace jobwatchdog::test
