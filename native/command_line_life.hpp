/// The commands about the life of managed jobs, as the command line offers them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "native/commands.hpp"

namespace jobwatchdog {

/// All that the command line can say of them.
struct LifeOptions {
  JobsListCommand jobs_list;
  JobsCancelCommand jobs_cancel;
  std::string job_id;
  ReconcileCommand reconcile;
  ServeCommand serve;
  TokenCommand token;
  DoctorCommand doctor;
};

/// A subcommand with examples in its help; options of the whole program may stand behind it too.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      const std::string& examples);

/// Where a pass writes what it did.
void add_metrics_file(CLI::App& command, std::string& metrics_file);

/// Adds jobs, reconcile, serve, token and doctor. What is chosen is put into `chosen`, to be run after the
/// command line is read.
void add_life_commands(CLI::App& app, const GlobalOptions& global, LifeOptions& options,
                       std::function<ExitCode()>& chosen);

}  // namespace jobwatchdog
