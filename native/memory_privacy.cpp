// The kernel is told that this process is not to be dumped.
#include "native/memory_privacy.hpp"

#include <sys/prctl.h>

namespace jobwatchdog {

// Not by RLIMIT_CORE: a core that is piped to a handler does not obey it.
void keep_memory_private() { prctl(PR_SET_DUMPABLE, 0); }

}  // namespace jobwatchdog
