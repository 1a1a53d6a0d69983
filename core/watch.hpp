/// The watchdog of one job: when to ask what became of it, when to wait, when to stop.
///
/// A pure machine: step() takes the state, one event and the moment, and gives the next state and what has to
/// be done. It asks nobody and sets no timer. In the browser the answers come from our server, in the server
/// from the provider; the machine is the same.
///
/// It trusts no clock but the server's. `now` may jump by days or stand still while a laptop sleeps, so the
/// state counts a time of its own: it goes on by what passed between two events, but never by much more than
/// the wake-up that was asked for. Replies carry the server's time, which alone decides whether the limit is
/// reached. A browser never ends a job: past the limit it says "overdue" and goes on looking.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/job_status.hpp"
#include "core/policy.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

/// What the server says when it is asked to look at a job again.
/** Source: design.md section 7, runninghub-job-sync. */
enum class SyncReason {
  none,              ///< The reply speaks by its status alone.
  already_terminal,  ///< It had ended before; the status says how.
  no_task_id,        ///< It has not reached the provider yet.
  no_api_key,        ///< The server cannot ask the provider: its configuration lacks a key.
  api_error,         ///< The provider gave the server no usable answer.
  still_processing,  ///< The provider works on it.
};

struct WatchEvent {
  enum class Kind {
    watch,           ///< Begin, with `status`. Nothing new while the job is watched already.
    status_changed,  ///< Told from elsewhere: `status`. A terminal one ends the watch.
    tick,            ///< The wake-up that was asked for, or any other occasion.
    reply,           ///< The server answered request `request_number`; 0 = not ours: another tab, a push.
    error,  ///< Request `request_number` failed: `http_status` (0 = no answer at all), `retry_after`.
    visible,
    hidden,
    online,
    offline,
    flag_on,
    flag_off,
    lead,        ///< This tab is the one that asks.
    follow,      ///< Another tab asks, and tells.
    refresh,     ///< A person wants to know now.
    others_ask,  ///< Other jobs of the page are being asked about: go along if it is nearly time.
    stop,
  };

  Kind kind{Kind::tick};
  std::optional<JobStatus> status{};
  int request_number{0};
  SyncReason reason{SyncReason::none};
  std::optional<Instant> server_now{};   ///< The server's clock when it replied.
  std::optional<Instant> deadline_at{};  ///< When the server itself ends the job.
  int http_status{0};
  Duration retry_after{};
  std::string_view output_url{};
  std::string_view message{};  ///< Why it failed, in the server's words.
};

enum class WatchPhase {
  stopped,    ///< Not watched. Next: the caller, by `watch`.
  waiting,    ///< Rests before the first check.
  watching,   ///< Asks again and again.
  overdue,    ///< Past the limit, and the server's last word was no end: slower checks, a bounded number of
              ///< them.
  given_up,   ///< The server refuses to answer, or the checks past the limit are used up. Next: the person or
              ///< the page.
  completed,  ///< Ended. Never changes again, like the two below.
  failed,
  cancelled,
};

/// Why a watched job is not asked about; the first that holds.
enum class PauseReason { none, flag_off, offline, hidden, another_tab };

struct WatchState {
  WatchPhase phase{WatchPhase::stopped};
  JobStatus status{JobStatus::pending};
  bool is_visible{true};
  bool is_online{true};
  bool is_enabled{true};
  bool is_leading{true};
  bool overdue_was_told{false};
  bool giving_up_was_told{false};
  PauseReason paused{PauseReason::none};
  int request_number{0};  ///< Of the newest ask.
  int in_flight{0};       ///< The request under way, or 0.
  int answer_count{0};    ///< Replies and errors to our own asks.
  int failure_count{0};   ///< In a row.
  int late_answer_count{0};
  Instant last_now{};
  std::optional<Instant> wake_at{};
  // Times of the machine's own count, from its first event on.
  Duration lived{};
  Duration asked_at{};
  Duration answered_at{};  ///< Also by news.
  Duration next_ask_at{};
  Duration not_before{};  ///< Retry-After.
  Duration limit_at{};
  std::optional<Instant> began_by_server{};
  std::optional<Instant> server_now{};
};

/// Its texts are those of the event that led to it, and live as long as that one's, or for ever.
struct WatchReport {
  enum class Kind {
    completed,  ///< `output_url` holds the result.
    failed,     ///< `reason` says why.
    cancelled,
    overdue,   ///< The limit passed and the server's last word was no end; told once. Checks go on.
    given_up,  ///< No more checks by themselves; told once.
  };

  Kind kind{};
  std::string_view output_url{};
  std::string_view reason{};
  int http_status{0};  ///< What the server answered instead; 0 = nothing, or a reply.
};

/// What has to be done, in this order.
struct WatchActions {
  bool abort{false};                    ///< Drop the request under way.
  std::optional<WatchReport> report{};  ///< Tell the page.
  std::optional<PauseReason> paused{};  ///< The pause changed; `none` = it goes on.
  int ask{0};                           ///< Ask the server now, under this number; 0 = do not.
  std::optional<Instant>
      wake_at{};  ///< Come back with a tick then; replaces the former wish. Nothing = no timer.
};

struct WatchStep {
  WatchState state;
  WatchActions actions;
};

/// When the step happens: the caller's clock, and a number that the caller drew at random.
struct WatchMoment {
  Instant now{};         ///< Milliseconds; of a clock that may be wrong, jump or stand still.
  int draw_permille{0};  ///< 0..1000, shortens the rest after a failure.
};

/// Fixed numbers of the machine.
inline constexpr Duration watch_request_time_max = seconds(10);  ///< Then a request counts as failed.
inline constexpr Duration watch_delay_max = seconds(60);  ///< Ceiling of the rests, unless polls are rarer.
inline constexpr Duration watch_rest_min =
    seconds(5);  ///< Between an answer and a check that the page's return asks for.
inline constexpr Duration watch_together_within =
    seconds(5);  ///< So much earlier a job goes along with others.
inline constexpr Duration watch_lateness_max = seconds(90);  ///< Longest belief in a wake-up that came late.
inline constexpr int watch_late_answers_max = 10;            ///< Checks past the limit before giving up.

/// One step of the machine.
/** Units:  milliseconds; `policy` is valid by validate_watch_policy().
 *  Errors: none; an event that does not fit the state changes nothing but the count of time.
 *  Laws:   at most one request under way; completed, failed and cancelled are told at most once, and after
 * them or `stop` nothing is ever done; no wake-up lies in the past; overdue is told at most once. Source:
 * design.md section 3 (step), invariants.md section 6 (P1 to P11).
 */
[[nodiscard]] WatchStep step(const WatchState& state, const WatchEvent& event, WatchMoment moment,
                             const WatchPolicy& policy);

/// The same step in place, for lists of many: they would copy each state twice.
WatchActions advance(WatchState& state, const WatchEvent& event, WatchMoment moment,
                     const WatchPolicy& policy);

/// Whether the watch is over for good: completed, failed or cancelled.
[[nodiscard]] bool has_ended(WatchPhase phase);

}  // namespace jobwatchdog
