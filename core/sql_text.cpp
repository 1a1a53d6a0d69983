// Quoting of names and values, and reading of names.
#include "core/sql_text.hpp"

#include <cstdint>

namespace jobwatchdog {
namespace {

constexpr std::size_t identifier_bytes_max = 63;  // NAMEDATALEN - 1; PostgreSQL would cut the rest silently.

bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool is_word_part(char c) { return is_word_start(c) || (c >= '0' && c <= '9') || c == '$'; }

std::string quoted_with(char quote, std::string_view text) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

Problem bad_name(std::string_view text, std::string why) {
  return {"", "\"" + std::string{text} + "\" is not a name: " + std::move(why),
          R"(write it as in SQL: jobs, public.jobs or "My Schema"."My Table")"};
}

/// One part of a dotted name, from `at` on; moves `at` behind it.
Result<std::string> read_part(std::string_view text, std::size_t& at) {
  std::string part;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] != '"') {
        part += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        part += text[at++];
      } else {
        ++at;
        return part;
      }
    }
    return bad_name(text, "a quote is not closed");
  }
  if (at < text.size() && !is_word_start(text[at])) {
    return bad_name(text,
                    "the character '" + std::string(1, text[at]) + "' needs double quotes around the name");
  }
  for (; at < text.size() && is_word_part(text[at]); ++at) {
    part += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] - 'A' + 'a') : text[at];
  }
  return part;
}

/// Length of the UTF-8 character at `at`, or 0 when it is malformed (overlong, surrogate, beyond U+10FFFF).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t offset) -> std::uint32_t {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
  };
  const auto continues = [&](std::size_t offset) { return (byte(offset) & 0xC0U) == 0x80U; };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return continues(1) ? 2 : 0;
  if ((lead & 0xF0U) == 0xE0U) {
    const std::uint32_t code = ((lead & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
    return continues(1) && continues(2) && code >= 0x800U && (code < 0xD800U || code > 0xDFFFU) ? 3 : 0;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    const std::uint32_t code = ((lead & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U);
    return continues(1) && continues(2) && continues(3) && code >= 0x10000U && code <= 0x10FFFFU ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_storable_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '\0' ? 0 : utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string identifier_defect(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (!is_storable_text(name)) return "it is not UTF-8 text";
  if (name.size() > identifier_bytes_max) {
    return "it has " + std::to_string(name.size()) + " bytes, and PostgreSQL keeps " +
           std::to_string(identifier_bytes_max);
  }
  return "";
}

Result<QualifiedName> parse_qualified_name(std::string_view text) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (true) {
    Result<std::string> part = read_part(text, at);
    if (!part.ok()) return part.error();
    if (const std::string defect = identifier_defect(part.value()); !defect.empty())
      return bad_name(text, defect);
    parts.push_back(part.value());
    if (at == text.size()) break;
    if (text[at] != '.') {
      return bad_name(text,
                      "the character '" + std::string(1, text[at]) + "' needs double quotes around the name");
    }
    ++at;
  }
  if (parts.size() > 2) return bad_name(text, "it has more than two parts");
  if (parts.size() == 1) return QualifiedName{"public", parts[0]};
  return QualifiedName{parts[0], parts[1]};
}

std::string quote_identifier(std::string_view name) { return quoted_with('"', name); }

std::string quote_literal(std::string_view value) {
  if (value.find('\\') == std::string_view::npos) return quoted_with('\'', value);
  // With a backslash, the E form means the same whatever standard_conforming_strings says.
  std::string escaped;
  for (const char c : value) {
    if (c == '\\') escaped += '\\';
    escaped += c;
  }
  return "E" + quoted_with('\'', escaped);
}

std::string quoted(const QualifiedName& name) {
  return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

std::string display_name(const QualifiedName& name) {
  const auto part = [](const std::string& word) {
    bool plain = !word.empty() && word[0] >= 'a' && word[0] <= 'z';
    for (const char c : word) plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
    return plain ? word : quote_identifier(word);
  };
  return part(name.schema) + "." + part(name.name);
}

std::string array_literal(const std::vector<std::string>& values) {
  std::string text = "{";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

}  // namespace jobwatchdog
