/// Many watched jobs with one wake-up and one batched ask.
///
/// A list of the machines of core/watch.hpp. What holds for the page holds for all; when one job is due,
/// others that are nearly due go along, so that a page asks once for all of them.
#pragma once

#include <optional>
#include <vector>

#include "core/watch.hpp"

namespace jobwatchdog {

/// One job of the list. Its key is its place; a removed one gives its place to the next that comes.
struct WatchedJob {
  bool is_listed{false};
  bool has_news{false};  ///< Its last step gave something to do, or another phase.
  WatchState state{};
  WatchActions actions{};  ///< Of its last step; a report without its texts, which die with the event.
};

struct WatchList {
  WatchPolicy policy{};
  std::vector<WatchedJob> jobs{};
  std::vector<int> free_keys{};
  WatchState page{};  ///< A job that is not watched yet: what holds for the page, for those that come later.
};

/// Takes a job into the list; gives its key. It is watched by its first event.
[[nodiscard]] int add_job(WatchList& list);

/// Forgets a job. What it had under way is the caller's to drop: step it by `stop` before.
void remove_job(WatchList& list, int key);

/// One event of one job: see step(). The key is one that add_job() gave; another is the caller's bug.
WatchActions step_job(WatchList& list, int key, const WatchEvent& event, WatchMoment moment);

/// An event of the page (visible, hidden, online, offline, flag_on, flag_off, lead, follow, refresh, or stop)
/// for every job; or a tick for those that are due. When one of them asks, those that are nearly due go
/// along. Gives the keys of the jobs that have something to do or whose phase changed, in order.
[[nodiscard]] std::vector<int> step_all(WatchList& list, const WatchEvent& event, WatchMoment moment);

/// The earliest wake-up of all; nothing when no job wants one.
[[nodiscard]] std::optional<Instant> wake_at(const WatchList& list);

}  // namespace jobwatchdog
