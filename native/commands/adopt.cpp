// `jobwatchdog adopt`: look at a database that we have never seen and propose rules for it. Writes to no
// table.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/rule_proposal.hpp"
#include "native/catalog.hpp"
#include "native/commands.hpp"

namespace jobwatchdog {
namespace {

/// Writes the file, never over another one: it may hold rules that a person adjusted.
std::optional<Problem> write_new_file(const std::string& path, const std::string& text) {
  if (std::filesystem::exists(path))
    return Problem{path, "the file exists already and is not overwritten",
                   "choose another name, or move it away"};
  std::ofstream file{path};
  file << text;
  file.close();
  if (!file)
    return Problem{path, "the file cannot be written", "check that its folder exists and may be written"};
  return std::nullopt;
}

}  // namespace

ExitCode run_adopt(const GlobalOptions& global, const AdoptCommand& command) {
  const Outcome<Configuration> read = open_configuration(global);
  const Configuration configuration = read.ok() ? read.value() : Configuration{};
  Outcome<Connection> connection = open_connection(global, configuration);
  if (!connection.ok()) return report(connection.error());
  const DatabaseResult<std::vector<TableProfile>> tables = load_table_profiles(connection.value());
  if (!tables.ok()) return report(failure_of("reading the catalog", tables.error()));
  const DatabaseResult<std::vector<FunctionProfile>> functions = load_refund_functions(connection.value());
  if (!functions.ok()) return report(failure_of("reading the catalog", functions.error()));
  const std::vector<Proposal> proposals = propose_rules(tables.value(), functions.value());
  if (proposals.empty()) {
    std::cerr << "no table looks like jobs: looked at " << tables.value().size()
              << " tables for a column with working states (running, processing, ...)\n"
              << "  mend: write a rule by hand; README, \"The rules\", shows one\n";
    return ExitCode::done;
  }
  const std::string text = proposals_as_toml(proposals);
  if (command.output.empty()) {
    std::cout << text;
    return ExitCode::done;
  }
  if (auto problem = write_new_file(command.output, text)) return report({ExitCode::failure, {*problem}});
  if (!global.quiet) {
    std::cerr << "wrote " << command.output << "; read it, then: jobwatchdog rules check --config "
              << command.output << "; jobwatchdog sweep --dry-run --config " << command.output << "\n";
  }
  return ExitCode::done;
}

}  // namespace jobwatchdog
