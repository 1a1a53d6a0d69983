/// What README.md shows in its fenced blocks, so that tests run just that.
#pragma once

#include <string>
#include <vector>

#include "tests/support/paths.hpp"

namespace jobwatchdog::test {

inline std::string readme() { return read_file(project_root() / "README.md"); }

/// The contents of all fenced blocks whose opening line is "```LANGUAGE".
inline std::vector<std::string> blocks_of(const std::string& text, const std::string& language) {
  std::vector<std::string> blocks;
  const std::string opening = "\n```" + language + "\n";
  for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at + 1)) {
    const std::size_t from = at + opening.size();
    blocks.push_back(text.substr(from, text.find("```", from) - from));
  }
  return blocks;
}

}  // namespace jobwatchdog::test
