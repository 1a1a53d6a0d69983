/// The options of `jobwatchdog emulate-provider`: many, for every fault has one.
#pragma once

#include "native/commands.hpp"

namespace CLI {
class App;
}

namespace jobwatchdog {

/// Each with its environment twin, WATCHDOG_EMULATOR_ and its name.
void add_emulator_options(CLI::App& app, EmulateProviderCommand& command);

}  // namespace jobwatchdog
