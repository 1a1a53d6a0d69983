/// TypeScript as text: what remains without comments and strings, and what a file imports. Not a compiler;
/// good enough for code that biome has laid out.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace jobwatchdog::test {

/// Where the comment or string that opens at `from` ends; `from` itself where none opens.
inline std::size_t end_of_quoted(const std::string& text, std::size_t from) {
  const auto after = [&](const std::string& closing) {
    const std::size_t found = text.find(closing, from + 1);
    return found == std::string::npos ? text.size() : found + closing.size();
  };
  if (text.compare(from, 2, "//") == 0) return std::min(text.find('\n', from), text.size());
  if (text.compare(from, 2, "/*") == 0) return after("*/");
  if (text[from] != '"' && text[from] != '\'') return from;
  std::size_t end = from + 1;  // An apostrophe in the text of an element ends with its line.
  while (end < text.size() && text[end] != text[from] && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
  return std::min(end + (end < text.size() && text[end] == text[from] ? 1 : 0), text.size());
}

/// The same text with comments, strings and the words of templates blanked; lines stay where they are. What a
/// template holds in ${} is code and stays.
inline std::string typescript_code(const std::string& text) {
  std::string code;
  std::vector<int> depths;  // Of braces, one for each ${ that is open; 0 stands for the words of a template.
  const auto is_in_words = [&] { return !depths.empty() && depths.back() == 0; };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = is_in_words() ? at : end_of_quoted(text, at);
    if (end > at) {
      for (; at < end; ++at) code += text[at] == '\n' ? '\n' : ' ';
      continue;
    }
    const char c = text[at];
    const bool opens_code = is_in_words() && text.compare(at, 2, "${") == 0;
    code += !is_in_words() || c == '\n' ? c : ' ';
    if (is_in_words() && c == '\\') ++at;
    if (c == '`') {
      if (is_in_words()) {
        depths.pop_back();
      } else {
        depths.push_back(0);
      }
    } else if (opens_code) {
      depths.push_back(1);
      ++at;
    } else if (!depths.empty() && !is_in_words() && (c == '{' || c == '}')) {
      depths.back() += c == '{' ? 1 : -1;
      if (depths.back() == 0) depths.pop_back();
    }
    ++at;
  }
  return code;
}

/// What a file imports, as it says it: static, dynamic and re-exports.
inline std::vector<std::string> typescript_imports(const std::string& text) {
  static const std::regex import{R"re((?:\bfrom|\bimport|\bimport\s*\()\s*["']([^"'\n]+)["'])re"};
  const std::string code = typescript_code(text);
  std::vector<std::string> imports;
  for (std::sregex_iterator match{text.begin(), text.end(), import}, end; match != end; ++match) {
    const bool is_code =
        code[static_cast<std::size_t>(match->position())] != ' ';  // And no example in a comment.
    if (is_code) imports.push_back((*match)[1]);
  }
  return imports;
}

}  // namespace jobwatchdog::test
