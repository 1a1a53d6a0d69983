// jobwatchdog.toml, by toml++: each field read with its place, every problem kept.
#include "native/configuration.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/builtin_rules.hpp"
#include "core/duration_text.hpp"
#include "core/rule_validation.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

/// One table of the file: reads its fields, remembers where they are, complains about those that nobody
/// reads.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string path, ConfigurationProblems& problems)
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

  std::optional<Section> section(const std::string& key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* table = node->as_table()) return Section{*table, file_, path_ + key + ".", problems_};
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
  ConfigurationProblems& problems_;
  std::vector<std::string> known_;
};

void read_refund(Section& rule_section, Rule& rule) {
  std::optional<Section> section = rule_section.section("refund");
  if (!section) return;
  Refund refund;
  refund.function = section->name("function");
  refund.user = section->text("user");
  refund.amount = section->text("amount");
  refund.charged = section->text("charged");
  refund.refunded = section->text("refunded");
  refund.description = section->text("description", "Refund");
  section->finish();
  rule.refund = refund;
}

void read_provider(Section& section, Rule& rule, const Policy& policy) {
  ProviderLink provider;
  provider.name = section.text("provider");
  provider.task = section.text("task", provider.task);
  provider.account = section.text("account", provider.account);
  provider.hard_deadline = section.duration("hard_deadline").value_or(policy.timeout_max);
  if (section.has("provider")) {
    rule.provider = provider;
    return;
  }
  for (const char* key : {"task", "account", "hard_deadline"}) {
    if (section.has(key)) {
      section.complain(section.place(key), std::string{key} + " means nothing without a provider",
                       R"(add provider = "runninghub", or remove it)");
    }
  }
}

Rule read_rule(Section& section, const Policy& policy) {
  Rule rule;
  rule.name = section.text("name");
  rule.tables = section.names("tables");
  rule.key = section.text("key", rule.key);
  rule.status = section.text("status", rule.status);
  rule.stuck_in = section.texts("stuck_in");
  rule.age_of = section.texts("age_of");
  rule.older_than = section.duration("older_than").value_or(Duration{});
  for (auto& [column, value] : section.scalars("set")) {
    const bool is_now = value == "now()";
    rule.set.push_back(
        {column, is_now ? Assignment::Kind::database_now : Assignment::Kind::literal, is_now ? "" : value});
  }
  for (const std::string& column : section.texts("clear"))
    rule.set.push_back({column, Assignment::Kind::null, ""});
  rule.rescues_max = static_cast<int>(section.integer("max_rescues", 0, 1'000'000).value_or(0));
  rule.rescue_count = section.text("rescue_count");
  rule.audit = section.boolean("audit");
  rule.settle_function = section.name("settle_function");
  read_refund(section, rule);
  read_provider(section, rule, policy);
  return rule;
}

/// A rule's own defects, placed at the field that they name.
void place_rule_problems(const Rule& rule, Section& section, std::size_t problems_before,
                         ConfigurationProblems& problems) {
  // A field that could not be read has been told already; its absence would only be told again.
  if (problems.size() > problems_before) return;
  for (const Problem& problem : validate_rule(rule)) {
    const std::string field = problem.where.substr(0, problem.where.find('.'));
    const std::string who = rule.name.empty() ? "" : "rule \"" + rule.name + "\", ";
    section.complain(section.place(field), who + problem.where + ": " + problem.what, problem.mend);
  }
}

void read_rules(const toml::table& root, const std::string& file, Section& top, Configuration& configuration,
                ConfigurationProblems& problems) {
  const toml::node* node = root.get("rule");
  if (node == nullptr) {
    problems.push_back({file, "there is no [[rule]]", "write one, or let `jobwatchdog adopt` propose some"});
    return;
  }
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    top.complain(node->source(), "rule must be written as [[rule]]", "double the brackets");
    return;
  }
  for (const toml::node& item : *array) {
    const toml::table* table = item.as_table();
    if (table == nullptr) {
      top.complain(item.source(), "a rule must be a table", "write [[rule]] on a line of its own");
      continue;
    }
    const std::size_t problems_before = problems.size();
    Section section{*table, file, "", problems};
    configuration.rules.push_back(read_rule(section, configuration.policy));
    section.finish();
    place_rule_problems(configuration.rules.back(), section, problems_before, problems);
  }
  for (const Problem& problem : validate_rule_names(configuration.rules))
    problems.push_back({file, problem.what, problem.mend});
}

void read_database(Section& top, Configuration& configuration) {
  std::optional<Section> section = top.section("database");
  if (!section) return;
  configuration.database_url = section->text("url");
  configuration.session.role = section->text("role");
  configuration.session.settings = section->scalars("settings");
  section->finish();
}

void read_sweep(Section& top, Configuration& configuration) {
  std::optional<Section> section = top.section("sweep");
  if (!section) return;
  if (const auto size = section->integer("batch_size", 1, 100'000))
    configuration.batch_size = static_cast<int>(*size);
  configuration.duration_max = section->duration("max_duration");
  configuration.statement_timeout =
      section->duration("statement_timeout").value_or(configuration.statement_timeout);
  configuration.lock_timeout = section->duration("lock_timeout").value_or(configuration.lock_timeout);
  section->finish();
}

void read_duration_ms(const char* name, Duration& target, ConfigurationProblems& problems) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return;
  std::int64_t value = 0;
  const std::string_view view{text};
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error == std::errc{} && end == view.data() + view.size() && value > 0 && value <= 315'360'000'000) {
    target = milliseconds(value);
  } else {
    problems.push_back({name, "\"" + std::string{view} + "\" is not a number of milliseconds",
                        "give a whole number above 0, such as 300000"});
  }
}

}  // namespace

Result<Configuration, ConfigurationProblems> parse_configuration(const std::string& text,
                                                                 const std::string& name,
                                                                 const Policy& policy) {
  ConfigurationProblems problems;
  Configuration configuration;
  configuration.source = name;
  configuration.policy = policy;
  toml::table root;
  try {
    root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    return ConfigurationProblems{
        {name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column),
         std::string{error.description()},
         "the file must be TOML; strings need quotes, and backslashes in them are doubled"}};
  }
  Section top{root, name, "", problems};
  read_database(top, configuration);
  read_sweep(top, configuration);
  top.allow("rule");
  read_rules(root, name, top, configuration, problems);
  top.finish();
  if (!problems.empty()) return problems;
  return configuration;
}

Result<Configuration, ConfigurationProblems> load_configuration(const std::string& path,
                                                                const Policy& policy) {
  std::string chosen = path;
  if (chosen.empty()) {
    for (const char* candidate : {"jobwatchdog.toml", "/etc/jobwatchdog/jobwatchdog.toml"}) {
      std::error_code ignored;
      if (chosen.empty() && std::filesystem::exists(candidate, ignored)) chosen = candidate;
    }
  }
  if (chosen.empty()) {
    Configuration configuration;
    configuration.source = "built-in rules";
    configuration.is_builtin = true;
    configuration.policy = policy;
    configuration.rules = builtin_rules(policy);
    return configuration;
  }
  std::ifstream file{chosen, std::ios::binary};
  std::ostringstream content;
  if (std::filesystem::is_directory(chosen) || !file || !(content << file.rdbuf())) {
    return ConfigurationProblems{{chosen, "the configuration cannot be read",
                                  "check the path (--config, WATCHDOG_CONFIG) and its rights"}};
  }
  return parse_configuration(content.str(), chosen, policy);
}

Result<Policy, ConfigurationProblems> policy_of_environment() {
  Policy policy;
  ConfigurationProblems problems;
  read_duration_ms("WATCHDOG_MAX_TIMEOUT_MS", policy.timeout_max, problems);
  read_duration_ms("WATCHDOG_EXAM_STUCK_AFTER_MS", policy.exam_stuck_after, problems);
  read_duration_ms("WATCHDOG_JOB_STALE_AFTER_MS", policy.job_stale_after, problems);
  read_duration_ms("WATCHDOG_SWEEP_PERIOD_MS", policy.sweep_period, problems);
  if (problems.empty()) problems = validate_policy(policy);
  if (!problems.empty()) return problems;
  return policy;
}

}  // namespace jobwatchdog
