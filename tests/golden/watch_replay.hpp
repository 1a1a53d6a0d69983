/// Replays the rows of a watch scenario: one job through core's machine, from row to row.
#pragma once

#include <string>
#include <vector>

#include "core/watch.hpp"

namespace jobwatchdog {

/// The rows are `watch | TIME | EVENT | ACTIONS`; `scenario | NAME` begins anew, `policy | INITIAL | POLL |
/// TIMEOUT` (milliseconds) gives other numbers from then on.
///
/// TIME is the caller's clock, "m:ss", "m:ss.mmm" or "h:mm:ss", also negative. EVENT is one of
///   watch STATUS, status STATUS, tick, visible, hidden, online, offline, flag_on, flag_off, lead, follow,
///   refresh, others_ask, stop, reply NUMBER REASON-or-STATUS [URL or WORDS], error NUMBER
///   network-or-HTTP-STATUS,
/// and may end with at=TIME (the server's clock, else the row's time), deadline=TIME, retry_after=TIME,
/// draw=PERMILLE. ACTIONS are what has to be done, in order: abort; completed URL, failed WHY, cancelled,
/// overdue WHY, given_up WHY; paused WHY or resumed; ask NUMBER; wake TIME. "-" is nothing at all.
class WatchReplay {
 public:
  void begin_scenario();
  void set_policy(const std::string& initial_ms, const std::string& poll_ms, const std::string& timeout_ms);

  /// What the machine does; or, when the row cannot be read, why.
  [[nodiscard]] std::string play(const std::string& time, const std::string& event);

 private:
  WatchState state_{};
  WatchPolicy policy_{};
};

}  // namespace jobwatchdog
