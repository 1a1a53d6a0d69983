// The command line, by CLI11.
#include "native/command_line.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "native/command_line_life.hpp"
#include "native/commands.hpp"
#include "native/emulator_options.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* overview =
    R"(Finds jobs that hang in PostgreSQL, settles them, and gives credits back exactly once.

Examples:
  jobwatchdog adopt --output jobwatchdog.toml   propose rules for the tables of your database
  jobwatchdog rules check                       what would not work, and what to do
  jobwatchdog sweep --dry-run                   what would change, and why; writes nothing
  jobwatchdog sweep                             one pass, for cron

The database is taken from --database-url, DATABASE_URL, the configuration file, or PGHOST, PGUSER, ...)";

constexpr const char* exit_codes = R"(
Exit codes: 0 done or nothing to do; 1 failure; 2 usage; 3 configuration; 4 database unreachable;
5 schema out of date; 6 partial (some rows not settled); 7 locked (--fail-if-locked); 130, 143 signals.)";

/// In the list of commands only the first line of each description: the examples are for the command's own
/// help.
class BriefListFormatter : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* command) const override {
    const std::string description = command->get_description();
    std::ostringstream line;
    CLI::detail::format_help(line, command->get_display_name(true),
                             description.substr(0, description.find('\n')), column_width_);
    return line.str();
  }
};

/// All that the command line can say.
struct Options {
  GlobalOptions global;
  std::string log_level{"info"};
  std::string log_format{"text"};
  MigrateCommand migrate;
  RulesShowCommand rules_show;
  RulesCheckCommand rules_check;
  AdoptCommand adopt;
  FlagsGetCommand flags_get;
  FlagChange flags_set;
  SweepCommand sweep;
  LifeOptions life;
  EmulateProviderCommand emulate_provider;
  std::function<ExitCode()> chosen;
};

void add_global_options(CLI::App& app, Options& options) {
  app.add_option("--database-url", options.global.database_url, "PostgreSQL URL, or libpq key=value text")
      ->envname("DATABASE_URL");
  app.add_option(
         "--config", options.global.config_path,
         "Configuration (default: ./jobwatchdog.toml, /etc/jobwatchdog/jobwatchdog.toml, built-in rules)")
      ->envname("WATCHDOG_CONFIG");
  app.add_flag("--json", options.global.json, "Results as JSON on stdout")->envname("WATCHDOG_JSON");
  app.add_flag("--quiet,-q", options.global.quiet, "Say nothing when all is well")->envname("WATCHDOG_QUIET");
  app.add_option("--log-level", options.log_level, "Least important message that is shown")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->envname("WATCHDOG_LOG_LEVEL")
      ->capture_default_str();
  app.add_option("--log-format", options.log_format, "Form of messages on stderr")
      ->check(CLI::IsMember({"text", "json"}))
      ->envname("WATCHDOG_LOG_FORMAT")
      ->capture_default_str();
}

void add_migrate(CLI::App& app, Options& options) {
  CLI::App* command = add_command(
      app, "migrate", "Bring the database's schema up to this binary. Existing tables are never altered.",
      "  jobwatchdog migrate --status\n  jobwatchdog migrate --watch      history only, for rules over your own tables\n"
      "  jobwatchdog migrate --dry-run    the SQL, without running it");
  command
      ->add_flag("--watch", options.migrate.watch_only,
                 "Only the schema `watchdog` with the history of sweeps")
      ->envname("WATCHDOG_MIGRATE_WATCH");
  command->add_flag("--status", options.migrate.status, "Show what is applied; change nothing");
  command->add_flag("--dry-run", options.migrate.dry_run, "Print the SQL; change nothing");
  command->callback(
      [&options] { options.chosen = [&options] { return run_migrate(options.global, options.migrate); }; });
}

void add_rules(CLI::App& app, Options& options) {
  CLI::App* rules = add_command(
      app, "rules", "Look at the rules.",
      "  jobwatchdog rules list\n  jobwatchdog rules check\n  jobwatchdog rules show stuck-exams --sql");
  rules->require_subcommand(1);
  CLI::App* list = add_command(*rules, "list", "All rules, and within which time each finds a stuck row.",
                               "  jobwatchdog rules list --json");
  list->callback([&options] { options.chosen = [&options] { return run_rules_list(options.global); }; });
  CLI::App* check = add_command(
      *rules, "check",
      "Hold the rules against the live tables: columns, types, index, refund function, triggers, rights.",
      "  jobwatchdog rules check\n  jobwatchdog rules check --rehearse    settle a few rows and roll back");
  check->add_flag("--rehearse", options.rules_check.rehearse,
                  "Also settle up to ten stuck rows of each table and roll back");
  check->add_flag("--strict", options.rules_check.strict, "Warnings count as errors (exit 3)");
  check->callback([&options] {
    options.chosen = [&options] { return run_rules_check(options.global, options.rules_check); };
  });
  CLI::App* show = add_command(*rules, "show", "One rule as TOML, or the SQL that it compiles to.",
                               "  jobwatchdog rules show stuck-exams --sql");
  show->add_option("name", options.rules_show.rule, "The rule's name")->required();
  show->add_flag("--sql", options.rules_show.sql, "The compiled SQL");
  show->callback([&options] {
    options.chosen = [&options] { return run_rules_show(options.global, options.rules_show); };
  });
}

void add_adopt(CLI::App& app, Options& options) {
  CLI::App* command =
      add_command(app, "adopt", "Propose rules for the tables of a database. Changes nothing in it.",
                  "  jobwatchdog adopt\n  jobwatchdog adopt --output jobwatchdog.toml");
  command->add_option("--output,-o", options.adopt.output,
                      "File to write, which must not exist (default: stdout)");
  command->callback(
      [&options] { options.chosen = [&options] { return run_adopt(options.global, options.adopt); }; });
}

void add_sweep(CLI::App& app, Options& options) {
  CLI::App* command = add_command(
      app, "sweep",
      "One bounded pass: find stuck rows, settle them, give credits back. Any number may run at once.",
      "  jobwatchdog sweep --dry-run\n  jobwatchdog sweep --rule stale-ai-jobs --max-duration \"2 min\"\n"
      "  jobwatchdog sweep --explain 6a1f0c1e-...    every fact behind one decision");
  SweepCommand& sweep = options.sweep;
  command->add_option("--rule", sweep.rule, "Only this rule")->envname("WATCHDOG_RULE");
  command->add_flag("--dry-run", sweep.dry_run, "Say what would change, and why; write nothing")
      ->envname("WATCHDOG_DRY_RUN");
  command->add_option("--explain", sweep.explain_id,
                      "Every fact behind the decision over the row with this key; writes nothing");
  command->add_option("--batch-size", sweep.batch_size, "Rows a transaction (default 1000)")
      ->check(CLI::Range(1, 100'000))
      ->envname("WATCHDOG_BATCH_SIZE");
  command
      ->add_option("--max-duration", sweep.duration_max,
                   "Stop after the batch at hand when this has passed (default \"4 min\")")
      ->envname("WATCHDOG_MAX_DURATION");
  add_metrics_file(*command, sweep.metrics_file);
  command
      ->add_flag("--fail-if-locked", sweep.fail_if_locked,
                 "Exit 7 when another sweep is running on this database")
      ->envname("WATCHDOG_FAIL_IF_LOCKED");
  command->callback([&options] {
    options.chosen = [&options] { return run_sweep_command(options.global, options.sweep); };
  });
}

void add_flag_context(CLI::App& command, FlagContext& context) {
  command.add_option("--user", context.user, "For this user")->envname("WATCHDOG_FLAG_USER");
  command.add_option("--tool", context.tool, "For this tool")->envname("WATCHDOG_FLAG_TOOL");
  command.add_option("--session", context.session, "For this session")->envname("WATCHDOG_FLAG_SESSION");
}

void add_flags_set(CLI::App& flags, Options& options) {
  CLI::App* set = add_command(
      flags, "set", "Change one flag in the database. A definition that cannot be obeyed is refused.",
      "  jobwatchdog flags set WATCHDOG_ENABLED \"true for 25% of user; false\" --reason \"first quarter\"\n"
      "  jobwatchdog flags set WATCHDOG_ENABLED \"disabled; true\" --reason \"incident 42\"    the kill switch\n"
      "  jobwatchdog flags set WATCHDOG_ENABLED --unset --reason \"back to the default\"");
  set->add_option("name", options.flags_set.name, "The flag")->required();
  set->add_option(
      "definition", options.flags_set.definition,
      "VALUE [if FIELD [not] in (ID, ...) [and ...]] [for N% of FIELD [by GROUP]]; ... (FIELD: user, tool, session)");
  set->add_flag("--unset", options.flags_set.unset, "Take it back: the next source decides");
  set->add_option("--reason", options.flags_set.reason, "Why, for the history")
      ->required()
      ->envname("WATCHDOG_FLAG_REASON");
  set->add_option("--expected-version", options.flags_set.expected_version,
                  "Only when it is still at this version (0: never set); else exit 1")
      ->check(CLI::NonNegativeNumber)
      ->envname("WATCHDOG_FLAG_EXPECTED_VERSION");
  set->callback([&options] {
    options.chosen = [&options] { return run_flags_set(options.global, options.flags_set); };
  });
}

void add_flags(CLI::App& app, Options& options) {
  CLI::App* flags =
      add_command(app, "flags", "Feature flags: environment before file before database before code default.",
                  "  jobwatchdog flags list\n  jobwatchdog flags get WATCHDOG_ENABLED --user u1 --explain\n"
                  "  jobwatchdog flags set WATCHDOG_SWEEP_ENABLED false --reason \"maintenance\"");
  flags->require_subcommand(1);
  FlagsGetCommand& asked = options.flags_get;
  CLI::App* list = add_command(*flags, "list", "All flags: value, source, reason.",
                               "  jobwatchdog flags list\n  jobwatchdog flags list --tool upscaler --json");
  add_flag_context(*list, asked.context);
  list->callback([&options, &asked] {
    options.chosen = [&options, &asked] { return run_flags_list(options.global, asked.context); };
  });
  CLI::App* get =
      add_command(*flags, "get", "The value of one flag, for somebody.",
                  "  jobwatchdog flags get WATCHDOG_ENABLED\n"
                  "  jobwatchdog flags get WATCHDOG_ENABLED --user u1 --explain    every fact behind it");
  get->add_option("name", asked.name, "The flag")->required();
  get->add_flag("--explain", asked.explain, "Source, reason, and what became of each rule");
  add_flag_context(*get, asked.context);
  get->callback([&options, &asked] {
    options.chosen = [&options, &asked] { return run_flags_get(options.global, asked); };
  });
  add_flags_set(*flags, options);
  CLI::App* history =
      add_command(*flags, "history", "Who changed a flag in the database, when, from what to what, why.",
                  "  jobwatchdog flags history WATCHDOG_ENABLED");
  history->add_option("name", asked.name, "The flag")->required();
  history->callback([&options, &asked] {
    options.chosen = [&options, &asked] { return run_flags_history(options.global, asked.name); };
  });
}

void add_emulate_provider(CLI::App& app, Options& options) {
  CLI::App* command = add_command(
      app, "emulate-provider",
      "A provider to try things with: RunningHub's endpoints and webhooks, without a bill, going wrong on purpose.",
      "  jobwatchdog emulate-provider\n  jobwatchdog emulate-provider --task-time \"1 s..2 s\" --webhook-lost 30%\n"
      "  jobwatchdog emulate-provider --faults worst --seed 42    the same requests, the same faults");
  add_emulator_options(*command, options.emulate_provider);
  command->callback([&options] {
    options.chosen = [&options] { return run_emulate_provider(options.global, options.emulate_provider); };
  });
}

LogLevel level_of(const std::string& word) {
  if (word == "debug") return LogLevel::debug;
  if (word == "warning") return LogLevel::warning;
  return word == "error" ? LogLevel::error : LogLevel::info;
}

}  // namespace

ExitCode run_version(const GlobalOptions& global) {
  if (global.json) {
    std::cout << nlohmann::ordered_json{{"version", JOBWATCHDOG_VERSION}}.dump() << "\n";
  } else {
    std::cout << "jobwatchdog " << JOBWATCHDOG_VERSION << "\n";
  }
  return ExitCode::done;
}

int run_command_line(int argc, char** argv) {
  Options options;
  CLI::App app{overview, "jobwatchdog"};
  app.footer(exit_codes);
  app.set_version_flag("--version", "jobwatchdog " JOBWATCHDOG_VERSION);
  auto formatter = std::make_shared<BriefListFormatter>();
  formatter->column_width(34);
  app.formatter(formatter);
  add_global_options(app, options);
  add_sweep(app, options);
  add_life_commands(app, options.global, options.life, options.chosen);
  add_adopt(app, options);
  add_rules(app, options);
  add_flags(app, options);
  add_migrate(app, options);
  add_emulate_provider(app, options);
  CLI::App* audit =
      add_command(app, "audit", "Prove over the whole database that no credit was lost or paid twice.",
                  "  jobwatchdog audit\n  jobwatchdog audit --json");
  audit->callback([&options] { options.chosen = [&options] { return run_audit(options.global); }; });
  CLI::App* version =
      add_command(app, "version", "The version of this binary.", "  jobwatchdog version --json");
  version->callback([&options] { options.chosen = [&options] { return run_version(options.global); }; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, std::cout, std::cerr);
    return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  if (!options.chosen) {
    std::cout << app.help();
    return 0;
  }
  configure_log({level_of(options.log_level), options.log_format == "json"});
  return static_cast<int>(options.chosen());
}

}  // namespace jobwatchdog
