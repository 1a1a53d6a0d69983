/// SIGINT and SIGTERM as a wish to stop: the batch at hand is finished first. A second signal ends at once.
#pragma once

namespace jobwatchdog {

/// Installs the handlers; called once, by main. SIGPIPE is ignored: a broken pipe is an error of a write.
void watch_stop_signals();

/// The signal that asked us to stop, or 0.
[[nodiscard]] int stop_signal();

}  // namespace jobwatchdog
