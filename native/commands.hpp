/// The commands of the binary: each takes its options and gives the exit code. Data to stdout, messages to
/// stderr.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/flag_evaluation.hpp"
#include "native/exit_code.hpp"
#include "native/flag_change.hpp"
#include "native/sweep.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

struct MigrateCommand {
  bool watch_only{false};
  bool status{false};
  bool dry_run{false};
};

struct RulesShowCommand {
  std::string rule;
  bool sql{false};
};

struct RulesCheckCommand {
  bool rehearse{false};
  bool strict{false};
};

struct AdoptCommand {
  std::string output;  ///< "" = stdout.
};

struct FlagsGetCommand {
  std::string name;
  bool explain{false};
  FlagContext context;
};

struct SweepCommand {
  std::string rule;
  bool dry_run{false};
  std::string explain_id;
  int batch_size{0};         ///< 0 = configuration or default.
  std::string duration_max;  ///< "" = configuration or default.
  std::string metrics_file;
  bool fail_if_locked{false};
};

struct TokenCommand {
  std::string role{"authenticated"};
  std::string user;  ///< "" = nobody's, as a service key.
  std::string expires_after{"1 h"};
};

struct JobsListCommand {
  std::string status;  ///< "" = those at work; "all", or one.
  std::string table;
  std::string user;
  int limit{50};
};

struct JobsCancelCommand {
  std::string job_id;
  std::string reason;
};

struct ReconcileCommand {
  std::string duration_max;  ///< "" = "4 min".
  std::string public_url;    ///< "" = submits bear no webhook.
  bool starts_no_jobs{false};
  std::string metrics_file;
};

struct ServeCommand {
  std::string listen{"127.0.0.1:8787"};
  std::string public_url;
  bool starts_no_jobs{false};
  bool no_sweeps{false};
  std::string direct_database_url;  ///< "" = the database's own.
  int thread_count{0};              ///< 0 = by the number of processors.
  int requests_per_minute{120};
  int connections_per_address_max{256};
  std::string trusted_proxies{"127.0.0.1,::1"};
  std::string pages;  ///< "" = none.
};

struct DoctorCommand {
  std::string public_url;           ///< As `serve` is given it.
  std::string direct_database_url;  ///< "" = the database's own.
};

/// As they were typed; "" = not given.
struct EmulateProviderCommand {
  std::string listen{"127.0.0.1:8799"};
  std::string public_url;
  std::uint64_t seed{1};
  std::string task_time{"5 s..15 s"};
  int capacity{3};
  std::vector<std::string> keys;
  bool speaks_v1{false};
  std::string faults{"none"};
  std::map<std::string, std::string> shares;  ///< Of single faults, by their names.
  int webhook_retries_max{3};
  std::string webhook_retry_rest{"1 min"};
  int tasks_max{100'000};
};

[[nodiscard]] ExitCode run_migrate(const GlobalOptions& global, const MigrateCommand& command);
[[nodiscard]] ExitCode run_rules_list(const GlobalOptions& global);
[[nodiscard]] ExitCode run_rules_check(const GlobalOptions& global, const RulesCheckCommand& command);
[[nodiscard]] ExitCode run_rules_show(const GlobalOptions& global, const RulesShowCommand& command);
[[nodiscard]] ExitCode run_adopt(const GlobalOptions& global, const AdoptCommand& command);
[[nodiscard]] ExitCode run_sweep_command(const GlobalOptions& global, const SweepCommand& command);
[[nodiscard]] ExitCode run_flags_list(const GlobalOptions& global, const FlagContext& context);
[[nodiscard]] ExitCode run_flags_get(const GlobalOptions& global, const FlagsGetCommand& command);
[[nodiscard]] ExitCode run_flags_set(const GlobalOptions& global, const FlagChange& change);
[[nodiscard]] ExitCode run_flags_history(const GlobalOptions& global, const std::string& name);
[[nodiscard]] ExitCode run_audit(const GlobalOptions& global);
[[nodiscard]] ExitCode run_jobs_list(const GlobalOptions& global, const JobsListCommand& command);
[[nodiscard]] ExitCode run_jobs_show(const GlobalOptions& global, const std::string& job_id);
[[nodiscard]] ExitCode run_jobs_cancel(const GlobalOptions& global, const JobsCancelCommand& command);
[[nodiscard]] ExitCode run_reconcile(const GlobalOptions& global, const ReconcileCommand& command);
[[nodiscard]] ExitCode run_serve(const GlobalOptions& global, const ServeCommand& command);
[[nodiscard]] ExitCode run_token(const GlobalOptions& global, const TokenCommand& command);
[[nodiscard]] ExitCode run_doctor(const GlobalOptions& global, const DoctorCommand& command);
[[nodiscard]] ExitCode run_emulate_provider(const GlobalOptions& global,
                                            const EmulateProviderCommand& command);
[[nodiscard]] ExitCode run_version(const GlobalOptions& global);

}  // namespace jobwatchdog
