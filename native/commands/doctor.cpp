// `jobwatchdog doctor`: is everything there that the watchdog needs? One line a check, each with its cure.
#include <algorithm>
#include <iostream>

#include "native/commands.hpp"
#include "native/doctor/database_checks.hpp"
#include "native/doctor/provider_checks.hpp"
#include "native/doctor/schema_checks.hpp"
#include "native/doctor/serving_checks.hpp"
#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

using State = Check::State;

const char* state_word(State state) {
  if (state == State::ok) return "ok";
  return state == State::warning ? "warning" : "error";
}

void print(const std::vector<Check>& checks, bool as_json) {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const Check& check : checks) {
    list.push_back({{"check", check.name},
                    {"state", state_word(check.state)},
                    {"words", check.words},
                    {"mend", check.mend}});
    if (as_json) continue;
    std::string state = state_word(check.state);
    state.resize(9, ' ');
    std::cout << state << check.name << ": " << check.words << "\n";
    if (!check.mend.empty()) std::cout << "           mend: " << check.mend << "\n";
  }
  if (as_json) std::cout << json_document(list);
}

void add(std::vector<Check>& checks, std::vector<Check> more) {
  checks.insert(checks.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Rules over one's own tables may ask the provider too.
bool asks_provider(const Configuration& configuration) {
  return std::any_of(configuration.rules.begin(), configuration.rules.end(),
                     [](const Rule& rule) { return rule.provider.has_value(); });
}

ExitCode code_of(const std::vector<Check>& checks) {
  ExitCode code = ExitCode::done;
  for (const Check& check : checks) {
    if (check.state != State::error) continue;
    if (code != ExitCode::schema_out_of_date)
      code = check.name == "schema" ? ExitCode::schema_out_of_date : ExitCode::configuration;
  }
  return code;
}

}  // namespace

ExitCode run_doctor(const GlobalOptions& global, const DoctorCommand& command) {
  std::vector<Check> checks;
  const Outcome<Configuration> opened = open_configuration(global);
  if (!opened.ok()) return report(opened.error());
  const Configuration& configuration = opened.value();
  checks.push_back({"configuration", State::ok, configuration.source, ""});
  Outcome<Connection> connected = open_connection(global, configuration);
  if (!connected.ok()) return report(connected.error());
  Connection& connection = connected.value();
  const Outcome<SchemaState> schema = open_schema(connection, configuration);
  const bool has_managed = schema.ok() && schema.value().has_managed;
  checks.push_back(check_server(connection));
  checks.push_back(check_pooler(connection, global, configuration));
  checks.push_back(check_clock(connection));
  checks.push_back(check_schema(schema));
  checks.push_back(check_rules(connection, configuration));
  checks.push_back(check_flags(connection, configuration, has_managed));
  checks.push_back(check_last_sweep(connection));
  if (has_managed || asks_provider(configuration)) add(checks, check_provider(connection, has_managed));
  if (has_managed) {
    checks.push_back(check_reconciling(connection));
    add(checks, check_access());
    checks.push_back(check_roles(connection));
    checks.push_back(check_listening(connection, global, configuration, command.direct_database_url));
    checks.push_back(check_webhooks(command.public_url));
  }
  print(checks, global.json);
  return code_of(checks);
}

}  // namespace jobwatchdog
