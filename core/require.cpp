// Where a bug of ours stops the program: a trap, so that core needs neither I/O nor exceptions.
#include "core/require.hpp"

namespace jobwatchdog {

void require(bool condition, const char* text) {
  if (condition) return;
  static_cast<void>(text);
  __builtin_trap();
}

}  // namespace jobwatchdog
