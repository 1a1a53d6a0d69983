// The commands about the life of managed jobs, by CLI11.
#include "native/command_line_life.hpp"

namespace jobwatchdog {
namespace {

using Chosen = std::function<ExitCode()>;

void add_jobs(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  CLI::App* jobs = add_command(app, "jobs", "Look at single jobs of the managed schema, or cancel one.",
                               "  jobwatchdog jobs list\n  jobwatchdog jobs show 6a1f0c1e-...\n"
                               "  jobwatchdog jobs cancel 6a1f0c1e-... --reason \"asked by the user\"");
  jobs->require_subcommand(1);
  JobsListCommand& wanted = options.jobs_list;
  CLI::App* list = add_command(
      *jobs, "list", "The jobs at work, newest first.",
      "  jobwatchdog jobs list\n  jobwatchdog jobs list --status failed --table upscaler_jobs --json");
  list->add_option("--status", wanted.status, "One status, or all (default: queued, starting and running)")
      ->envname("WATCHDOG_JOBS_STATUS");
  list->add_option("--table", wanted.table, "Only this table or tool")->envname("WATCHDOG_JOBS_TABLE");
  list->add_option("--user", wanted.user, "Only this user")->envname("WATCHDOG_JOBS_USER");
  list->add_option("--limit", wanted.limit, "At most so many")
      ->check(CLI::Range(1, 100'000))
      ->envname("WATCHDOG_JOBS_LIMIT")
      ->capture_default_str();
  list->callback([&] { chosen = [&] { return run_jobs_list(global, options.jobs_list); }; });
  CLI::App* show = add_command(*jobs, "show", "All that happened to one job, in order: who, when, what, why.",
                               "  jobwatchdog jobs show 6a1f0c1e-...");
  show->add_option("id", options.job_id, "The job's id")->required();
  show->callback([&] { chosen = [&] { return run_jobs_show(global, options.job_id); }; });
  CLI::App* cancel = add_command(*jobs, "cancel", "End a job; what was charged for it goes back, once.",
                                 "  jobwatchdog jobs cancel 6a1f0c1e-... --reason \"asked by the user\"");
  cancel->add_option("id", options.jobs_cancel.job_id, "The job's id")->required();
  cancel->add_option("--reason", options.jobs_cancel.reason, "Why, for the user and the evidence")
      ->required()
      ->envname("WATCHDOG_CANCEL_REASON");
  cancel->callback([&] { chosen = [&] { return run_jobs_cancel(global, options.jobs_cancel); }; });
}

void add_public_url(CLI::App& command, std::string& public_url) {
  command
      .add_option(
          "--public-url", public_url,
          "Where the provider reaches this server; webhooks go to URL/functions/v1/... (default: none is asked for)")
      ->envname("WATCHDOG_PUBLIC_URL");
}

void add_direct_database_url(CLI::App& command, std::string& direct_database_url) {
  command
      .add_option(
          "--direct-database-url", direct_database_url,
          "A database URL past any pooler in transaction mode, to hear of changes (default: the database's)")
      ->envname("WATCHDOG_DIRECT_DATABASE_URL");
}

void add_starts_no_jobs(CLI::App& command, bool& starts_no_jobs) {
  command.add_flag("--starts-no-jobs", starts_no_jobs, "Leave waiting jobs to other nodes")
      ->envname("WATCHDOG_STARTS_NO_JOBS");
}

void add_reconcile(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  CLI::App* command = add_command(
      app, "reconcile",
      "One pass over jobs at work: start who waits, ask the provider about those due, settle. For cron, beside any number of others.",
      "  jobwatchdog reconcile\n  jobwatchdog reconcile --max-duration \"50 s\" --json");
  ReconcileCommand& wanted = options.reconcile;
  command
      ->add_option("--max-duration", wanted.duration_max, "Take no new work after this (default \"4 min\")")
      ->envname("WATCHDOG_MAX_DURATION");
  add_metrics_file(*command, wanted.metrics_file);
  add_public_url(*command, wanted.public_url);
  add_starts_no_jobs(*command, wanted.starts_no_jobs);
  command->callback([&] { chosen = [&] { return run_reconcile(global, options.reconcile); }; });
}

void add_serve(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  CLI::App* command = add_command(
      app, "serve",
      "The HTTP face for pages and webhooks; reconciles all the time and sweeps every 5 minutes. Run as many nodes as you like.",
      "  jobwatchdog serve --public-url https://app.example\n  jobwatchdog serve --listen 127.0.0.1:8787");
  ServeCommand& wanted = options.serve;
  command->add_option("--listen", wanted.listen, "Address and port; port 0 = any free one")
      ->envname("WATCHDOG_LISTEN")
      ->capture_default_str();
  add_public_url(*command, wanted.public_url);
  add_starts_no_jobs(*command, wanted.starts_no_jobs);
  add_direct_database_url(*command, wanted.direct_database_url);
  command
      ->add_option(
          "--threads", wanted.thread_count,
          "Requests worked on at once, each with a connection to the database; without it two a processor, and two")
      ->check(CLI::Range(1, 256))
      ->envname("WATCHDOG_THREADS");
  command
      ->add_option("--requests-per-minute", wanted.requests_per_minute,
                   "Of one user to one route; an address without a user has ten times as many; 0 = no limit")
      ->check(CLI::Range(0, 60'000))
      ->envname("WATCHDOG_REQUESTS_PER_MINUTE")
      ->capture_default_str();
  command
      ->add_option("--connections-per-address", wanted.connections_per_address_max,
                   "Open at once from one address that is no trusted proxy; further ones are closed")
      ->check(CLI::Range(1, 1'000'000))
      ->envname("WATCHDOG_CONNECTIONS_PER_ADDRESS")
      ->capture_default_str();
  command
      ->add_option("--trusted-proxies", wanted.trusted_proxies,
                   "Addresses and networks whose X-Forwarded-For is believed, separated by commas")
      ->envname("WATCHDOG_TRUSTED_PROXIES")
      ->capture_default_str();
  command->add_flag("--no-sweeps", wanted.no_sweeps, "Leave sweeping to cron or to other nodes")
      ->envname("WATCHDOG_NO_SWEEPS");
  command->add_option("--pages", wanted.pages, "Directory of built pages to give out, read at the start")
      ->envname("WATCHDOG_PAGES");
  command->callback([&] { chosen = [&] { return run_serve(global, options.serve); }; });
}

void add_doctor(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  CLI::App* command = add_command(
      app, "doctor",
      "Check that everything is there that the watchdog needs: database, schema, keys, provider, webhooks.",
      "  jobwatchdog doctor\n  jobwatchdog doctor --public-url https://app.example --json");
  DoctorCommand& wanted = options.doctor;
  add_public_url(*command, wanted.public_url);
  add_direct_database_url(*command, wanted.direct_database_url);
  command->callback([&] { chosen = [&] { return run_doctor(global, options.doctor); }; });
}

void add_token(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  CLI::App* command = add_command(
      app, "token", "A token for development, signed with the secret in WATCHDOG_JWT_SECRET (HS256).",
      "  jobwatchdog token --user a0000000-0000-4000-8000-00000000000a\n"
      "  jobwatchdog token --role service_role --expires-after \"1 d\"");
  TokenCommand& wanted = options.token;
  command->add_option("--role", wanted.role, "Whose rights it bears")
      ->check(CLI::IsMember({"anon", "authenticated", "service_role"}))
      ->envname("WATCHDOG_TOKEN_ROLE")
      ->capture_default_str();
  command->add_option("--user", wanted.user, "Whose it is: the user's id")->envname("WATCHDOG_TOKEN_USER");
  command->add_option("--expires-after", wanted.expires_after, "For how long it is good")
      ->envname("WATCHDOG_TOKEN_EXPIRES_AFTER")
      ->capture_default_str();
  command->callback([&] { chosen = [&] { return run_token(global, options.token); }; });
}

}  // namespace

void add_metrics_file(CLI::App& command, std::string& metrics_file) {
  command
      .add_option("--metrics-file", metrics_file,
                  "Write Prometheus metrics for node_exporter's textfile collector")
      ->envname("WATCHDOG_METRICS_FILE");
}

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                      const std::string& examples) {
  CLI::App* command = parent.add_subcommand(name, description + "\n\nExamples:\n" + examples);
  command->fallthrough();
  return command;
}

void add_life_commands(CLI::App& app, const GlobalOptions& global, LifeOptions& options, Chosen& chosen) {
  add_reconcile(app, global, options, chosen);
  add_serve(app, global, options, chosen);
  add_jobs(app, global, options, chosen);
  add_token(app, global, options, chosen);
  add_doctor(app, global, options, chosen);
}

}  // namespace jobwatchdog
