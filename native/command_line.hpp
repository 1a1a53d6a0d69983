/// The command line: options, help with examples, and which command they mean.
#pragma once

namespace jobwatchdog {

/// Parses the arguments, runs the command and gives the process's exit code (see native/exit_code.hpp).
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace jobwatchdog
