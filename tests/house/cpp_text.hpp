/// C++ as text: what remains without comments and strings, and how long its functions are. Not a compiler;
/// good enough for code that clang-format has laid out.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace jobwatchdog::test {

/// The same text with comments, strings and characters blanked; lines stay where they are.
inline std::string without_comments_and_strings(const std::string& text) {
  // In this order: a raw string, a comment, a string, a character that is no digit separator.
  static const std::regex opening{"R\"([^ ()\\\\\t\n]*)\\(|//|/\\*|\"|'"};
  std::string code;
  std::size_t at = 0;
  std::smatch match;
  while (std::regex_search(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), match, opening)) {
    const std::size_t from = at + static_cast<std::size_t>(match.position());
    code += text.substr(at, from - at);
    const std::string mark = match.str();
    std::size_t end = from + 1;
    if (mark.starts_with("R")) {
      const std::string closing = ")" + match[1].str() + "\"";
      end = text.find(closing, from);
      end = end == std::string::npos ? end : end + closing.size();
    } else if (mark == "//") {
      end = text.find('\n', from);
    } else if (mark == "/*") {
      end = text.find("*/", from);
      end = end == std::string::npos ? end : end + 2;
    } else if (mark == "\"" || from == 0 || std::isalnum(static_cast<unsigned char>(text[from - 1])) == 0) {
      while (end < text.size() && text[end] != mark[0] && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
      ++end;
    }
    end = std::min(end, text.size());
    for (std::size_t i = from; i < end; ++i) code += text[i] == '\n' ? '\n' : ' ';
    at = end;
  }
  return code + text.substr(at);
}

struct FunctionSize {
  int line{};        ///< Where its body opens, from 1.
  int line_count{};  ///< With both braces.
};

/// What the text before a '{' opens: a body is a function's when it follows a parameter list and is no type
/// or namespace.
inline bool opens_function(const std::string& before) {
  static const std::regex other{"\\b(namespace|struct|class|enum|union|extern)\\b"};
  return before.find('(') != std::string::npos && !std::regex_search(before, other);
}

/// Every outermost function body with its length.
inline std::vector<FunctionSize> function_sizes(const std::string& text) {
  std::vector<FunctionSize> sizes;
  std::string before;
  int line = 1;
  int depth = 0;
  int function_depth = 0;  // 0 = outside of any function.
  int opened_at = 0;
  for (const char c : without_comments_and_strings(text)) {
    if (c == '\n') ++line;
    if (c == '{') {
      ++depth;
      if (function_depth == 0 && opens_function(before)) {
        function_depth = depth;
        opened_at = line;
      }
    }
    if (c == '}') {
      if (depth == function_depth) {
        sizes.push_back({opened_at, line - opened_at + 1});
        function_depth = 0;
      }
      --depth;
    }
    before = c == '{' || c == '}' || c == ';' ? "" : before + c;
  }
  return sizes;
}

}  // namespace jobwatchdog::test
