/// Keeping what a process remembers to itself: keys and tokens must not reach a disk by a crash.
#pragma once

namespace jobwatchdog {

/// From here on a crash writes no core file, and processes of the same user can read neither memory nor
/// environment through /proc. For a process that keeps secrets for long.
void keep_memory_private();

}  // namespace jobwatchdog
