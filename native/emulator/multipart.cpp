// multipart/form-data: cuts the body at its boundaries.
#include "native/emulator/multipart.hpp"

#include <string_view>

namespace jobwatchdog {
namespace {

/// The value behind `name=`, with or without quotes; "" where there is none.
std::string parameter(std::string_view header, const std::string& name) {
  std::size_t at = header.find(" " + name + "=");
  if (at == std::string_view::npos) at = header.find(";" + name + "=");
  if (at == std::string_view::npos) return "";
  std::string_view rest = header.substr(at + name.size() + 2);
  const bool is_quoted = rest.starts_with('"');
  if (is_quoted) rest.remove_prefix(1);
  return std::string{rest.substr(0, rest.find_first_of(is_quoted ? "\"\r\n" : "; \r\n"))};
}

}  // namespace

std::optional<std::map<std::string, FormPart>> parse_form(const std::string& content_type,
                                                          const std::string& body) {
  const std::string boundary = parameter(content_type, "boundary");
  if (!content_type.starts_with("multipart/form-data") || boundary.empty()) return std::nullopt;
  const std::string mark = "--" + boundary;
  std::map<std::string, FormPart> parts;
  std::size_t at = body.starts_with(mark) ? 0 : std::string::npos;
  while (at != std::string::npos) {
    at += mark.size();
    if (body.compare(at, 2, "--") == 0) return parts;
    const std::size_t header_end = body.find("\r\n\r\n", at);
    const std::size_t next =
        header_end == std::string::npos ? header_end : body.find("\r\n" + mark, header_end + 2);
    if (next == std::string::npos) return std::nullopt;
    const std::string_view header = std::string_view{body}.substr(at, header_end + 2 - at);
    // An empty part ends where its header does.
    const std::size_t from = std::min(header_end + 4, next);
    parts[parameter(header, "name")] = {parameter(header, "filename"), body.substr(from, next - from)};
    at = next + 2;
  }
  return std::nullopt;
}

}  // namespace jobwatchdog
