// The binary: signals, then the command line. Everything else has a name of its own.
#include <exception>
#include <iostream>

#include "native/command_line.hpp"
#include "native/exit_code.hpp"
#include "native/stop_signal.hpp"

int main(int argc, char** argv) {
  jobwatchdog::watch_stop_signals();
  try {
    return jobwatchdog::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "error: this should not have happened: " << error.what() << "\n";
    return static_cast<int>(jobwatchdog::ExitCode::failure);
  }
}
