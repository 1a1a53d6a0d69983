/// Named failpoints: places where a test makes the world go wrong. Compiled in for tests only.
#pragma once

namespace jobwatchdog {

#ifdef JOBWATCHDOG_FAILPOINTS
/// At the point that WATCHDOG_FAILPOINT names ("after_find=COMMAND"), runs COMMAND by the shell, once a
/// process.
/** The command may kill us: `kill -9 $PPID`. */
void failpoint(const char* name);
#else
inline void failpoint(const char* /*name*/) {}
#endif

}  // namespace jobwatchdog
