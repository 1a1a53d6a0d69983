/// A provider that exists only in memory: it runs tasks for a configurable time and goes wrong on purpose.
///
/// Values in, values out: no socket, no clock of its own. The same seed, the same requests at the same times
/// and the same settings give the same answers. emulator_http.hpp puts it behind real endpoints; the
/// simulation of core talks to it directly.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace jobwatchdog {

/// How often each thing goes wrong, in permille of its occasions, and how long things take.
struct EmulatorSettings {
  std::uint64_t seed{1};
  Duration task_time_min{seconds(5)};
  Duration task_time_max{seconds(15)};
  int concurrent_tasks_max{3};         ///< Per key; beyond it a submit is answered 421.
  int task_fails_permille{0};          ///< The task ends FAILED.
  int task_forgotten_permille{0};      ///< After its end a query says that it does not know it.
  int task_finishes_late_permille{0};  ///< It takes twenty times as long.
  int ignores_cancel_permille{0};      ///< A cancel is acknowledged and the task goes on.
  int submit_lost_permille{0};         ///< The task is made, and its answer never comes.
  int submit_refused_permille{0};      ///< Answered 421 although there is room.
  int reply_5xx_permille{0};
  int reply_garbage_permille{0};  ///< HTML or half a JSON where JSON is due.
  int reply_never_permille{0};    ///< No answer at all.
  int reply_slow_permille{0};     ///< Two to eight seconds late.
  int webhook_lost_permille{0};
  int webhook_twice_permille{0};
  int webhook_late_permille{0};       ///< Up to two minutes after the end.
  int webhook_early_permille{0};      ///< Before the answer to the submit is sent.
  int webhook_forged_permille{0};     ///< Says SUCCESS of a task that runs, or of one that is another's.
  int webhook_misshapen_permille{0};  ///< Not JSON, or without a task id.
  bool speaks_v1{false};              ///< Webhooks in the shape of v1.
};

}  // namespace jobwatchdog
