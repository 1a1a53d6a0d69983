// Decoding parts of a URL.
#include "native/serve/url_query.hpp"

#include <charconv>

namespace jobwatchdog {
namespace {

std::optional<std::string> decoded(std::string_view text, char plus) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i] == '+' ? plus : text[i];
      continue;
    }
    unsigned byte = 0;
    const char* first = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(first, first + 2, byte, 16).ptr != first + 2 || byte == 0)
      return std::nullopt;
    result += static_cast<char>(byte);
    i += 2;
  }
  return result;
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> parse_url_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parts;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    const std::size_t mark = part.find('=');
    const std::optional<std::string> name = decoded(part.substr(0, mark), ' ');
    const std::optional<std::string> value =
        decoded(mark == std::string_view::npos ? std::string_view{} : part.substr(mark + 1), ' ');
    if (!name || !value) return std::nullopt;
    parts.emplace_back(*name, *value);
  }
  return parts;
}

std::optional<std::string> decode_url_path(std::string_view path) { return decoded(path, '+'); }

}  // namespace jobwatchdog
