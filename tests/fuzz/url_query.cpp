// Queries of URLs: what is read is written with every byte escaped, and reads again as the same.
#include "native/serve/url_query.hpp"

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

std::string escaped(const std::string& text) {
  static const char* digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += {'%', digits[byte / 16], digits[byte % 16]};
  }
  return result;
}

}  // namespace

Verdict url_query(const std::string& input) {
  const auto parts = parse_url_query(input);
  if (!parts) return refused();
  std::string written;
  for (const auto& [name, value] : *parts) {
    if ((name + value).find('\0') != std::string::npos && input.find('\0') == std::string::npos)
      return broken("no escape gives a NUL");
    written += "&" + escaped(name) + "=" + escaped(value);
  }
  // A NUL that stands there as it is cannot come in over HTTP, and cannot be written as an escape.
  if (input.find('\0') != std::string::npos) return taken();
  return taken_under(parse_url_query(written) == parts, "what is read and written reads as the same");
}

}  // namespace jobwatchdog::fuzz
