// Taking the secrets out of what a stranger said, and making it short.
#include "native/provider/evidence.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "native/json_text.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::json;

constexpr std::size_t token_size_min = 64;

/// Names of fields that hold secrets, in small letters and without what stands between their words.
constexpr std::array<std::string_view, 9> secret_names{"apikey",     "authorization", "token",
                                                       "secret",     "password",      "cookie",
                                                       "credential", "netwssurl",     "webhookurl"};

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter_or_digit(char c) { return (small(c) >= 'a' && small(c) <= 'z') || (c >= '0' && c <= '9'); }

bool is_hexadecimal(char c) { return (c >= '0' && c <= '9') || (small(c) >= 'a' && small(c) <= 'f'); }

/// "X-Api_Key" is an apikey.
bool is_secret_name(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (is_letter_or_digit(c)) plain += small(c);
  }
  return std::any_of(secret_names.begin(), secret_names.end(),
                     [&](std::string_view secret) { return plain.find(secret) != std::string::npos; });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  if (from.empty()) return text;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// Without the query behind each "://", up to the next character that ends an address.
std::string without_queries(const std::string& text) {
  std::string kept;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t address = text.find("://", at);
    if (address == std::string::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \"'<>\\,;)", address), text.size());
    const std::size_t query = std::min(text.find('?', address), end);
    kept += text.substr(at, query - at);
    if (query < end) kept += "?[query]";
    at = end;
  }
  return at < text.size() ? kept + text.substr(at) : kept;
}

std::string without_tokens(const std::string& text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::find_if_not(begin, text.end(), is_hexadecimal);
    const auto size = static_cast<std::size_t>(end - begin);
    if (size >= token_size_min) {
      kept += "[token]";
    } else {
      kept.append(begin, end);
    }
    at += size;
    if (at < text.size()) kept += text[at++];
  }
  return kept;
}

/// A word of `text` from `at` on, and what is between it and the next.
struct Word {
  std::size_t begin;
  std::size_t end;
};

Word word_from(const std::string& text, std::size_t at, bool (*is_in)(char)) {
  const auto begin = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_in);
  const auto end = std::find_if_not(begin, text.end(), is_in);
  return {static_cast<std::size_t>(begin - text.begin()), static_cast<std::size_t>(end - text.begin())};
}

bool is_in_name(char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; }
bool is_in_value(char c) {
  return static_cast<unsigned char>(c) > ' ' &&
         std::string_view{"\"'\\,;&{}[]<>"}.find(c) == std::string_view::npos;
}

/// Whether a name and a value are joined as in `a=b`, `a: b`, `"a": "b"` or `\"a\":\"b\"`.
bool is_joint(std::string_view between) {
  return between.find_first_of(":=") != std::string_view::npos &&
         between.find_first_not_of(" \t\"'\\:=") == std::string_view::npos;
}

bool is_scheme(std::string_view word) {
  return word == "Bearer" || word == "bearer" || word == "Basic" || word == "basic";
}

/// Free text: what stands behind a secret's name, or behind "Bearer".
std::string without_named_secrets(const std::string& text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const Word name = word_from(text, at, is_in_name);
    kept += text.substr(at, name.end - at);
    at = name.end;
    const std::string name_text = text.substr(name.begin, name.end - name.begin);
    const std::size_t begin = std::min(text.find_first_not_of(" \t\"'\\:=", at), text.size());
    const std::string between = text.substr(at, begin - at);
    const bool is_announced =
        is_scheme(name_text) ? !between.empty() : is_joint(between) && is_secret_name(name_text);
    if (!is_announced) continue;
    std::size_t end = begin;
    while (end < text.size() && is_in_value(text[end])) ++end;
    if (end == begin || is_scheme(std::string_view{text}.substr(begin, end - begin))) continue;
    kept += between + "[key]";
    at = end;
  }
  return kept;
}

void redact(Json& json, const Secret& key);

std::string redacted_text(const std::string& text, const Secret& key) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
    if (std::optional<Json> nested = parse_strictly(text)) {
      redact(*nested, key);
      return json_line(*nested);
    }
  }
  return without_secrets(text, key);
}

void redact(Json& json, const Secret& key) {
  if (json.is_string()) {
    json = redacted_text(json.get_ref<const std::string&>(), key);
  } else if (json.is_array()) {
    for (Json& item : json) redact(item, key);
  } else if (json.is_object()) {
    Json kept = Json::object();
    for (auto& [name, value] : json.items()) {
      if (is_secret_name(name) && !value.is_null()) {
        value = "[key]";
      } else {
        redact(value, key);
      }
      kept[without_secrets(name, key)] = std::move(value);
    }
    json = std::move(kept);
  } else if (json.is_number() && json.dump() == key.reveal()) {
    json = "[key]";
  }
}

/// Every text at most `text_max` long, every list and object with at most `item_max` items.
Json thinned(const Json& json, std::size_t text_max, std::size_t item_max) {
  if (json.is_string()) return shortened(json.get<std::string>(), text_max);
  if (!json.is_structured()) return json;
  Json kept = json.is_array() ? Json::array() : Json::object();
  for (const auto& [name, value] : json.items()) {
    if (kept.size() >= item_max) break;
    if (json.is_array()) {
      kept.push_back(thinned(value, text_max, item_max));
    } else {
      kept[shortened(name, text_max)] = thinned(value, text_max, item_max);
    }
  }
  return kept;
}

/// As much as fits of what cannot be thinned enough.
std::string text_as_json(const std::string& text) {
  for (std::size_t size = words_size_max;; size /= 2) {
    std::string line = json_line(Json{{"text", shortened(text, size)}});
    if (line.size() <= words_size_max) return line;
  }
}

}  // namespace

std::string without_secrets(const std::string& text, const Secret& key) {
  std::string kept = replaced(text, key.reveal(), "[key]");
  kept = without_named_secrets(without_tokens(without_queries(kept)));
  std::replace_if(
      kept.begin(), kept.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      ' ');
  return kept;
}

std::string shortened(const std::string& text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  std::size_t size = size_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80) --size;
  return text.substr(0, size);
}

std::string evidence_of(const std::string& body, const Secret& key, int http_status) {
  std::optional<Json> json = parse_strictly(body);
  Json evidence = json ? std::move(*json) : Json{{"text", body}};
  redact(evidence, key);
  if (http_status != 200) evidence = Json{{"http_status", http_status}, {"body", std::move(evidence)}};
  std::string line = json_line(evidence);
  if (line.size() <= words_size_max) return line;
  for (const std::size_t text_max : {1'500UL, 400UL, 120UL, 40UL}) {
    std::string thin = json_line(thinned(evidence, text_max, 12));
    if (thin.size() <= words_size_max) return thin;
  }
  return text_as_json(line);
}

}  // namespace jobwatchdog
