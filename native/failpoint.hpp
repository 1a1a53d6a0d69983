/// Named failpoints: places where a test makes the world go wrong. Compiled in for tests only.
#pragma once

namespace jobwatchdog {

#ifdef JOBWATCHDOG_FAILPOINTS
/// At the point that WATCHDOG_FAILPOINT names, runs COMMAND by the shell, once a process:
/// "before_batch=COMMAND" when it is first passed, "before_batch@3=COMMAND" when it is passed for the third
/// time.
/** The command may kill us: `kill -9 $PPID`. */
void failpoint(const char* name);
#else
inline void failpoint(const char* /*name*/) {}
#endif

}  // namespace jobwatchdog
