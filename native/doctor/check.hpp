/// One line of `jobwatchdog doctor`: what was looked at, how it is, and how to mend it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/problem.hpp"

namespace jobwatchdog {

struct Check {
  /// A warning is something that works less well than it could; with an error a command does not work.
  enum class State : std::uint8_t { ok, warning, error };

  std::string name;
  State state{State::ok};
  std::string words;
  std::string mend;  ///< "" when there is nothing to mend.
};

[[nodiscard]] inline Check check_of(std::string name, Check::State state, const Problem& problem) {
  const std::string where = problem.where.empty() ? "" : problem.where + ": ";
  return {std::move(name), state, where + problem.what, problem.mend};
}

}  // namespace jobwatchdog
