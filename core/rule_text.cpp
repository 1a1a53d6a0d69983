// A rule as TOML text, laid out for people.
#include "core/rule_text.hpp"

#include <string_view>

#include "core/duration_text.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t key_width = 11;

std::string toml_key(const std::string& name) {
  for (const char c : name) {
    const bool bare =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!bare) return toml_string(name);
  }
  return name.empty() ? "\"\"" : name;
}

std::string string_array(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  items.reserve(texts.size());
  for (const std::string& text : texts) items.push_back(toml_string(text));
  return "[" + joined(items) + "]";
}

std::string string_or_array(const std::vector<std::string>& texts) {
  return texts.size() == 1 ? toml_string(texts.front()) : string_array(texts);
}

void line(std::string& out, std::string key, const std::string& value) {
  if (key.size() < key_width) key.resize(key_width, ' ');
  out += key + " = " + value + "\n";
}

std::string value_text(const Assignment& assignment) {
  switch (assignment.kind) {
    case Assignment::Kind::database_now: return "\"now()\"";
    case Assignment::Kind::output_url: return "\"output_url()\"";
    case Assignment::Kind::literal:
    case Assignment::Kind::null: break;
  }
  return toml_string(assignment.text);
}

std::string inline_table(const std::vector<Assignment>& assignments) {
  std::vector<std::string> items;
  for (const Assignment& assignment : assignments) {
    if (assignment.kind != Assignment::Kind::null)
      items.push_back(toml_key(assignment.column) + " = " + value_text(assignment));
  }
  return "{ " + joined(items) + " }";
}

void write_set(std::string& out, const Rule& rule) {
  std::vector<std::string> cleared;
  for (const Assignment& assignment : rule.set) {
    if (assignment.kind == Assignment::Kind::null) cleared.push_back(assignment.column);
  }
  line(out, "set", inline_table(rule.set));
  if (!cleared.empty()) line(out, "clear", string_array(cleared));
}

void write_refund(std::string& out, const Refund& refund) {
  if (refund.function) line(out, "refund.function", toml_string(display_name(*refund.function)));
  line(out, "refund.user", toml_string(refund.user));
  line(out, "refund.amount", toml_string(refund.amount));
  line(out, "refund.charged", toml_string(refund.charged));
  line(out, "refund.refunded", toml_string(refund.refunded));
  if (!refund.description.empty()) line(out, "refund.description", toml_string(refund.description));
}

void write_provider(std::string& out, const ProviderLink& provider) {
  const ProviderLink defaults;
  line(out, "provider", toml_string(provider.name));
  if (provider.task != defaults.task) line(out, "task", toml_string(provider.task));
  if (provider.account != defaults.account) line(out, "account", toml_string(provider.account));
  line(out, "hard_deadline", toml_string(exact_duration_text(provider.hard_deadline)));
  if (!provider.succeeded.empty()) line(out, "succeeded", inline_table(provider.succeeded));
}

}  // namespace

std::string toml_string(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20U || byte == 0x7FU) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 0x0FU];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string rule_as_toml(const Rule& rule) {
  const Rule defaults;
  std::vector<std::string> tables;
  tables.reserve(rule.tables.size());
  for (const QualifiedName& table : rule.tables) tables.push_back(display_name(table));

  std::string out = "[[rule]]\n";
  line(out, "name", toml_string(rule.name));
  line(out, "tables", string_array(tables));
  if (rule.key != defaults.key) line(out, "key", toml_string(rule.key));
  if (rule.status != defaults.status) line(out, "status", toml_string(rule.status));
  line(out, "stuck_in", string_array(rule.stuck_in));
  line(out, "age_of", string_or_array(rule.age_of));
  line(out, "older_than", toml_string(exact_duration_text(rule.older_than)));
  write_set(out, rule);
  if (rule.rescues_max != 0) line(out, "max_rescues", std::to_string(rule.rescues_max));
  if (!rule.rescue_count.empty()) line(out, "rescue_count", toml_string(rule.rescue_count));
  if (rule.audit) line(out, "audit", "true");
  if (rule.settle_function) line(out, "settle_function", toml_string(display_name(*rule.settle_function)));
  if (rule.refund) write_refund(out, *rule.refund);
  if (rule.provider) write_provider(out, *rule.provider);
  return out;
}

}  // namespace jobwatchdog
