// The options of `jobwatchdog emulate-provider`, by CLI11.
#include "native/emulator_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "native/emulator/emulator_faults.hpp"

namespace jobwatchdog {
namespace {

/// "--webhook-lost" -> "WATCHDOG_EMULATOR_WEBHOOK_LOST"
std::string twin_of(const std::string& option) {
  std::string name = "WATCHDOG_EMULATOR_" + option.substr(2);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

template <typename Value>
CLI::Option* add(CLI::App& app, const std::string& option, Value& value, const std::string& meaning) {
  return app.add_option(option, value, meaning)->envname(twin_of(option));
}

}  // namespace

void add_emulator_options(CLI::App& app, EmulateProviderCommand& command) {
  add(app, "--listen", command.listen, "ADDRESS:PORT; port 0 is any free one")->capture_default_str();
  add(app, "--public-url", command.public_url, "Where results are told to be (default: where it listens)");
  add(app, "--seed", command.seed, "The same seed and requests go the same way")->capture_default_str();
  add(app, "--task-time", command.task_time, "How long a task takes, \"LEAST..MOST\" or one duration")
      ->capture_default_str();
  add(app, "--capacity", command.capacity, "Tasks of one key at once; beyond it a submit is answered 421")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add(app, "--key", command.keys,
      "A key that is known; may be repeated, or be a list with commas (default: all are)")
      ->delimiter(',');
  app.add_flag("--v1", command.speaks_v1, "Send all webhooks in the shape of v1")->envname(twin_of("--v1"));
  add(app, "--webhook-retries", command.webhook_retries_max, "How often an unanswered webhook is sent again")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  add(app, "--webhook-retry-rest", command.webhook_retry_rest, "How long before each")->capture_default_str();
  add(app, "--tasks-max", command.tasks_max, "Of more tasks the oldest ended ones are forgotten")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  add(app, "--faults", command.faults, "none, mild or worst: how often everything below goes wrong")
      ->check(CLI::IsMember({"none", "mild", "worst"}))
      ->capture_default_str();
  for (const EmulatorFault& fault : emulator_faults) {
    add(app, std::string{"--"} + fault.name, command.shares[fault.name],
        std::string{"Share of "} + fault.meaning)
        ->type_name("PERCENT")
        ->group("Single faults, over --faults");
  }
}

}  // namespace jobwatchdog
