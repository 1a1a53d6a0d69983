// jobwatchdog.toml: a rule that is taken is written and read as the same, and compiles to text that can be
// sent; one that is refused is refused with a place and a cure.
#include "native/configuration.hpp"

#include "core/rule_compiler.hpp"
#include "core/rule_text.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

std::string law_of_refusal(const ConfigurationProblems& problems) {
  if (problems.empty()) return "a refusal has a reason";
  for (const Problem& problem : problems) {
    if (problem.where.empty() || problem.what.empty() || problem.mend.empty())
      return "a complaint says where, what and how to mend it";
  }
  return "";
}

std::string law_of_rule(const Rule& rule, const EnvironmentSettings& environment) {
  const auto again = parse_configuration(rule_as_toml(rule), "written.toml", environment);
  if (!again.ok() || again.value().rules != std::vector<Rule>{rule})
    return "a rule that is read and written reads as the same";
  for (const QualifiedName& table : rule.tables) {
    const CompiledRule compiled = compile_rule(rule, table);
    for (const std::string& sql :
         {compiled.find, compiled.take, compiled.lock, compiled.settle, compiled.refund}) {
      if (!is_storable_text(sql)) return "a rule compiles to text that PostgreSQL takes";
    }
  }
  return "";
}

}  // namespace

Verdict configuration(const std::string& input) {
  EnvironmentSettings environment;
  const auto read = parse_configuration(input, "fuzzed.toml", environment);
  if (!read.ok()) {
    std::string law = law_of_refusal(read.error());
    return law.empty() ? refused() : broken(law);
  }
  environment.policy = read.value().policy;
  for (const Rule& rule : read.value().rules) {
    if (std::string law = law_of_rule(rule, environment); !law.empty()) return broken(law);
  }
  return taken();
}

}  // namespace jobwatchdog::fuzz
