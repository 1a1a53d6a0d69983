/// One table of a TOML file: reads its fields, remembers where they are, complains about those that nobody
/// reads.
#pragma once

// Its parser asserts what a file may well break ("[!]"), and has words for it right behind: as in a release,
// these are told.
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/duration_text.hpp"
#include "core/problem.hpp"
#include "core/spelling.hpp"
#include "core/sql_text.hpp"

namespace jobwatchdog {

/// Problems are added to the list that it was made with, each with file, line and column; a field that cannot
/// be read gives its default, so that all problems of a file are told at once.
class TomlSection {
 public:
  TomlSection(const toml::table& table, std::string file, std::string path, std::vector<Problem>& problems)
      : table_(table), file_(std::move(file)), path_(std::move(path)), problems_(problems) {}

  std::string text(const std::string& key, std::string fallback = "") {
    const toml::node* node = take(key);
    if (node == nullptr) return fallback;
    if (const auto* string = node->as_string()) return string->get();
    wrong_type(*node, key, "text in quotes");
    return fallback;
  }

  bool boolean(const std::string& key) {
    const toml::node* node = take(key);
    if (node == nullptr) return false;
    if (const auto* value = node->as_boolean()) return value->get();
    wrong_type(*node, key, "true or false");
    return false;
  }

  std::optional<std::int64_t> integer(const std::string& key, std::int64_t least, std::int64_t most) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_integer();
    if (value != nullptr && value->get() >= least && value->get() <= most) return value->get();
    wrong_type(*node, key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }

  std::optional<Duration> duration(const std::string& key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* string = node->as_string();
    if (string == nullptr) {
      wrong_type(*node, key, R"(a duration in quotes, such as "10 min")");
      return std::nullopt;
    }
    const Result<Duration> parsed = parse_duration(string->get());
    if (parsed.ok()) return parsed.value();
    complain(node->source(), key + ": " + parsed.error().what, parsed.error().mend);
    return std::nullopt;
  }

  /// A text, a number or a boolean as its text.
  std::optional<std::string> scalar(const std::string& key) {
    const toml::node* node = take(key);
    std::vector<std::string> one;
    if (node != nullptr) add_scalar(*node, key, one);
    if (one.empty()) return std::nullopt;
    return one.front();
  }

  /// A list of texts; one text alone is a list of one. Numbers are taken as their text (a numeric status).
  std::vector<std::string> texts(const std::string& key) {
    const toml::node* node = take(key);
    std::vector<std::string> list;
    if (node == nullptr) return list;
    if (const auto* array = node->as_array()) {
      for (const toml::node& item : *array) add_scalar(item, key, list);
    } else {
      add_scalar(*node, key, list);
    }
    return list;
  }

  std::optional<QualifiedName> name(const std::string& key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* string = node->as_string();
    if (string == nullptr) {
      wrong_type(*node, key, "a name in quotes");
      return std::nullopt;
    }
    return parsed_name(string->get(), node->source(), key);
  }

  std::vector<QualifiedName> names(const std::string& key) {
    std::vector<QualifiedName> list;
    for (const std::string& item : texts(key)) {
      if (auto parsed = parsed_name(item, place(key), key)) list.push_back(*parsed);
    }
    return list;
  }

  /// A table of scalars in the order of the file: { status = "failed", completed_at = "now()" }.
  std::vector<std::pair<std::string, std::string>> scalars(const std::string& key) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const toml::node* node = take(key);
    if (node == nullptr) return pairs;
    const auto* table = node->as_table();
    if (table == nullptr) {
      wrong_type(*node, key, R"(a table, such as { status = "failed" })");
      return pairs;
    }
    std::vector<std::pair<toml::source_position, std::pair<std::string, std::string>>> placed;
    for (const auto& [name, value] : *table) {
      std::vector<std::string> one;
      add_scalar(value, key + "." + std::string{name.str()}, one);
      if (!one.empty()) placed.push_back({value.source().begin, {std::string{name.str()}, one.front()}});
    }
    std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [position, pair] : placed) pairs.push_back(std::move(pair));
    return pairs;
  }

  std::optional<TomlSection> section(const std::string& key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* table = node->as_table()) return TomlSection{*table, file_, path_ + key + ".", problems_};
    wrong_type(*node, key, "a table");
    return std::nullopt;
  }

  [[nodiscard]] bool has(const std::string& key) const { return table_.contains(key); }

  /// A field that is read elsewhere.
  void allow(const std::string& key) { known_.push_back(key); }

  /// Complains about every field that was not read: it would silently mean nothing.
  void finish() {
    for (const auto& [key, node] : table_) {
      const std::string name{key.str()};
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      complain(key.source(), "unknown field \"" + path_ + name + "\"", suggestion(name, known_));
    }
  }

  [[nodiscard]] toml::source_region place(const std::string& key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? table_.source() : node->source();
  }

  void complain(const toml::source_region& region, std::string what, std::string mend) {
    problems_.push_back(
        {file_ + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column),
         std::move(what), std::move(mend)});
  }

 private:
  const toml::node* take(const std::string& key) {
    known_.push_back(key);
    return table_.get(key);
  }

  void wrong_type(const toml::node& node, const std::string& key, const std::string& wanted) {
    complain(node.source(), path_ + key + " must be " + wanted, "change it in the file");
  }

  void add_scalar(const toml::node& node, const std::string& key, std::vector<std::string>& list) {
    if (const auto* string = node.as_string()) {
      list.push_back(string->get());
    } else if (const auto* number = node.as_integer()) {
      list.push_back(std::to_string(number->get()));
    } else if (const auto* flag = node.as_boolean()) {
      list.emplace_back(flag->get() ? "true" : "false");
    } else if (const auto* real = node.as_floating_point()) {
      std::ostringstream out;
      out << real->get();
      list.push_back(out.str());
    } else {
      wrong_type(node, key, "text, a number or a boolean");
    }
  }

  std::optional<QualifiedName> parsed_name(const std::string& text, const toml::source_region& region,
                                           const std::string& key) {
    Result<QualifiedName> parsed = parse_qualified_name(text);
    if (parsed.ok()) return parsed.value();
    complain(region, path_ + key + ": " + parsed.error().what, parsed.error().mend);
    return std::nullopt;
  }

  const toml::table& table_;
  std::string file_;
  std::string path_;
  std::vector<Problem>& problems_;
  std::vector<std::string> known_;
};

}  // namespace jobwatchdog
