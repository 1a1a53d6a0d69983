/// Lists as people write them in settings and headers.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace jobwatchdog {

/// The words of a list: separated by commas, blanks or lines.
[[nodiscard]] inline std::vector<std::string> words_of(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream stream{text};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace jobwatchdog
