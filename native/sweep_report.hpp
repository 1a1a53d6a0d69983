/// What a sweep did, told to people and to programs.
#pragma once

#include <string>

#include "native/exit_code.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

[[nodiscard]] std::string sweep_text(const SweepResult& result);  ///< For a terminal or a cron mail.
[[nodiscard]] std::string sweep_json(
    const SweepResult& result);  ///< One JSON document; README tells its fields.
[[nodiscard]] ExitCode sweep_exit_code(const SweepResult& result);

}  // namespace jobwatchdog
