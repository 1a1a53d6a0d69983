// `jobwatchdog audit`: one line a violation, exit 6 when there is any.
#include "native/audit.hpp"

#include <iostream>

#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

std::string count_words(const AuditedLaw& law) {
  const bool more = law.violation_count > static_cast<std::int64_t>(law.violations.size());
  return (more ? "more than " : "") + grouped(static_cast<long long>(law.violations.size()));
}

void print_text(const std::vector<AuditedLaw>& laws, bool quiet) {
  std::size_t broken = 0;
  for (const AuditedLaw& law : laws) {
    for (const Violation& violation : law.violations) {
      std::cout << "violation: " << law.scope << ": " << law.law << ": " << violation.record << " ("
                << violation.detail << ")\n";
    }
    if (law.violation_count == 0) continue;
    ++broken;
    std::cout << count_words(law) << " times broken: " << law.scope << ": " << law.law << "\n";
  }
  if (broken > 0) {
    std::cout << broken << " of " << laws.size() << " laws are broken\n";
  } else if (!quiet) {
    std::cout << "clean: " << laws.size() << " laws hold, each over all rows, on one snapshot\n";
  }
}

void print_json(const std::vector<AuditedLaw>& laws) {
  Json list = Json::array();
  for (const AuditedLaw& law : laws) {
    Json violations = Json::array();
    for (const Violation& violation : law.violations) {
      violations.push_back({{"record", violation.record}, {"detail", violation.detail}});
    }
    list.push_back({{"scope", law.scope},
                    {"law", law.law},
                    {"violation_count", law.violation_count},
                    {"violations", violations}});
  }
  std::cout << json_document({{"laws", list}});
}

}  // namespace

ExitCode run_audit(const GlobalOptions& global) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  const Outcome<SchemaState> schema = open_schema(connection.value(), configuration.value());
  if (!schema.ok()) return report(schema.error());
  if (!schema.value().hidden_because.empty()) {
    log(LogLevel::warning,
        "only the watched tables are proved: if the managed schema is here, this role may not see it (" +
            schema.value().hidden_because + ")");
  }
  warn_of_standby(connection.value());
  const DatabaseResult<std::vector<AuditedLaw>> laws =
      run_laws(connection.value(), schema.value().has_managed, configuration.value().rules);
  if (!laws.ok()) return report(failure_of("audit", laws.error()));
  if (laws.value().empty()) {
    return report(
        {ExitCode::configuration,
         {{"audit", "there is nothing to prove: no rule refunds credits, and the managed schema is not there",
           "add refund.* fields to a rule"}}});
  }
  if (global.json) {
    print_json(laws.value());
  } else {
    print_text(laws.value(), global.quiet);
  }
  for (const AuditedLaw& law : laws.value()) {
    if (law.violation_count > 0) return ExitCode::partial;
  }
  return ExitCode::done;
}

}  // namespace jobwatchdog
