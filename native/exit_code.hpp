/// The exit codes of the binary: the contract with cron, systemd and scripts (README, "Exit codes").
#pragma once

namespace jobwatchdog {

enum class ExitCode : int {
  done = 0,                  ///< Done, or nothing to do.
  failure = 1,               ///< Something failed that no other code names.
  usage = 2,                 ///< The command line is wrong.
  configuration = 3,         ///< The configuration, or a rule against the live tables, is wrong.
  database_unreachable = 4,  ///< No connection, no login, or a standby that cannot be written.
  schema_out_of_date = 5,    ///< Migrations are missing, or the schema is newer than this binary.
  partial = 6,               ///< Some rows were not settled; the others were.
  locked = 7,                ///< Another run holds the lock and --fail-if-locked was given.
  interrupted = 130,         ///< SIGINT: the batch at hand was finished.
  terminated = 143,          ///< SIGTERM: likewise.
};

}  // namespace jobwatchdog
