/// How long something took here, by a clock that never jumps. Decisions about jobs never use it: the
/// database's clock does that.
#pragma once

#include <chrono>

#include "core/time.hpp"

namespace jobwatchdog {

class Stopwatch {
 public:
  [[nodiscard]] Duration elapsed() const {
    return milliseconds(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_)
            .count());
  }

 private:
  std::chrono::steady_clock::time_point started_{std::chrono::steady_clock::now()};
};

}  // namespace jobwatchdog
