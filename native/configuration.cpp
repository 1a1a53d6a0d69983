// jobwatchdog.toml, by toml++: each field read with its place, every problem kept.
#include "native/configuration.hpp"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/builtin_rules.hpp"
#include "core/duration_text.hpp"
#include "core/rule_validation.hpp"
#include "native/flags.hpp"
#include "native/toml_section.hpp"

namespace jobwatchdog {
namespace {

void read_refund(TomlSection& rule_section, Rule& rule) {
  std::optional<TomlSection> section = rule_section.section("refund");
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

/// `{ column = value }`, of which "now()" is the database's time; "output_url()" is the result that the
/// provider named.
std::vector<Assignment> read_assignments(TomlSection& section, const std::string& key) {
  std::vector<Assignment> assignments;
  for (auto& [column, value] : section.scalars(key)) {
    if (value == "now()") {
      assignments.push_back({column, Assignment::Kind::database_now, ""});
    } else if (value == "output_url()") {
      assignments.push_back({column, Assignment::Kind::output_url, ""});
    } else {
      assignments.push_back({column, Assignment::Kind::literal, value});
    }
  }
  return assignments;
}

void read_provider(TomlSection& section, Rule& rule, const Policy& policy) {
  ProviderLink provider;
  provider.name = section.text("provider");
  provider.task = section.text("task", provider.task);
  provider.account = section.text("account", provider.account);
  provider.hard_deadline = section.duration("hard_deadline").value_or(policy.watch.timeout_max);
  provider.succeeded = read_assignments(section, "succeeded");
  if (section.has("provider")) {
    rule.provider = provider;
    return;
  }
  for (const char* key : {"task", "account", "hard_deadline", "succeeded"}) {
    if (section.has(key)) {
      section.complain(section.place(key), std::string{key} + " means nothing without a provider",
                       R"(add provider = "runninghub", or remove it)");
    }
  }
}

Rule read_rule(TomlSection& section, const Policy& policy) {
  Rule rule;
  rule.name = section.text("name");
  rule.tables = section.names("tables");
  rule.key = section.text("key", rule.key);
  rule.status = section.text("status", rule.status);
  rule.stuck_in = section.texts("stuck_in");
  rule.age_of = section.texts("age_of");
  rule.older_than = section.duration("older_than").value_or(Duration{});
  rule.set = read_assignments(section, "set");
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
void place_rule_problems(const Rule& rule, TomlSection& section, std::size_t problems_before,
                         ConfigurationProblems& problems) {
  // A field that could not be read has been told already; its absence would only be told again.
  if (problems.size() > problems_before) return;
  for (const Problem& problem : validate_rule(rule)) {
    const std::string field = problem.where.substr(0, problem.where.find('.'));
    const std::string who = rule.name.empty() ? "" : "rule \"" + rule.name + "\", ";
    section.complain(section.place(field), who + problem.where + ": " + problem.what, problem.mend);
  }
}

void read_rules(const toml::table& root, const std::string& file, TomlSection& top,
                Configuration& configuration, ConfigurationProblems& problems) {
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
    TomlSection section{*table, file, "", problems};
    configuration.rules.push_back(read_rule(section, configuration.policy));
    section.finish();
    place_rule_problems(configuration.rules.back(), section, problems_before, problems);
  }
  for (const Problem& problem : validate_rule_names(configuration.rules))
    problems.push_back({file, problem.what, problem.mend});
}

void read_database(TomlSection& top, Configuration& configuration) {
  std::optional<TomlSection> section = top.section("database");
  if (!section) return;
  configuration.database_url = section->text("url");
  configuration.session.role = section->text("role");
  configuration.session.settings = section->scalars("settings");
  section->finish();
}

void read_sweep(TomlSection& top, Configuration& configuration) {
  std::optional<TomlSection> section = top.section("sweep");
  if (!section) return;
  if (const auto size = section->integer("batch_size", 1, 100'000))
    configuration.batch_size = static_cast<int>(*size);
  configuration.duration_max = section->duration("max_duration");
  configuration.statement_timeout =
      section->duration("statement_timeout").value_or(configuration.statement_timeout);
  configuration.lock_timeout = section->duration("lock_timeout").value_or(configuration.lock_timeout);
  section->finish();
}

/// The flags of the file stand behind those of the environment; together their numbers must make a policy.
void read_flags(TomlSection& top, const std::string& file, Configuration& configuration,
                ConfigurationProblems& problems) {
  std::optional<TomlSection> section = top.section("flags");
  if (!section) return;
  for (const KnownFlag& flag : known_flags()) {
    const std::string name{flag.name};
    const std::optional<std::string> text = section->scalar(name);
    if (!text) continue;
    const toml::source_position at = section->place(name).begin;
    SetFlag set =
        read_flag(FlagSource::file, file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column),
                  flag, *text);
    if (set.problem) problems.push_back(problem_of(set));
    configuration.flags.push_back(std::move(set));
  }
  section->finish();
  if (!problems.empty()) return;
  configuration.policy = policy_with_flags(configuration.policy, Flags::of(configuration.flags), {});
  for (const Problem& problem : validate_policy(configuration.policy))
    section->complain(top.place("flags"), problem.where + " " + problem.what, problem.mend);
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
                                                                 const EnvironmentSettings& environment) {
  ConfigurationProblems problems;
  Configuration configuration;
  configuration.source = name;
  configuration.policy = environment.policy;
  configuration.flags = environment.flags;
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
  TomlSection top{root, name, "", problems};
  read_database(top, configuration);
  read_sweep(top, configuration);
  read_flags(top, name, configuration, problems);
  top.allow("rule");
  read_rules(root, name, top, configuration, problems);
  top.finish();
  if (!problems.empty()) return problems;
  return configuration;
}

Result<Configuration, ConfigurationProblems> load_configuration(const std::string& path,
                                                                const EnvironmentSettings& environment) {
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
    configuration.policy = environment.policy;
    configuration.flags = environment.flags;
    configuration.rules = builtin_rules(environment.policy);
    return configuration;
  }
  std::ifstream file{chosen, std::ios::binary};
  std::ostringstream content;
  if (std::filesystem::is_directory(chosen) || !file || !(content << file.rdbuf())) {
    return ConfigurationProblems{{chosen, "the configuration cannot be read",
                                  "check the path (--config, WATCHDOG_CONFIG) and its rights"}};
  }
  return parse_configuration(content.str(), chosen, environment);
}

Result<EnvironmentSettings, ConfigurationProblems> settings_of_environment() {
  EnvironmentSettings settings;
  ConfigurationProblems problems;
  settings.flags = flags_of_environment();
  for (const SetFlag& flag : settings.flags) {
    if (flag.problem) problems.push_back(problem_of(flag));
  }
  Policy& policy = settings.policy;
  policy = policy_with_flags(policy, Flags::of(settings.flags), {});
  read_duration_ms("WATCHDOG_EXAM_STUCK_AFTER_MS", policy.exam_stuck_after, problems);
  read_duration_ms("WATCHDOG_JOB_STALE_AFTER_MS", policy.job_stale_after, problems);
  read_duration_ms("WATCHDOG_SWEEP_PERIOD_MS", policy.sweep_period, problems);
  if (problems.empty()) problems = validate_policy(policy);
  if (!problems.empty()) return problems;
  return settings;
}

}  // namespace jobwatchdog
