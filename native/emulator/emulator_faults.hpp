/// The faults of the emulator by name, and three strengths of all of them at once.
#pragma once

#include <array>
#include <string>

#include "core/problem.hpp"
#include "native/emulator/emulated_provider.hpp"

namespace jobwatchdog {

struct EmulatorFault {
  const char* name;  ///< As an option: "webhook-lost".
  int EmulatorSettings::*permille;
  int mild_permille;
  int worst_permille;
  const char* meaning;
};

inline constexpr std::array<EmulatorFault, 16> emulator_faults{{
    {"task-fails", &EmulatorSettings::task_fails_permille, 30, 150, "tasks that end FAILED"},
    {"task-forgotten", &EmulatorSettings::task_forgotten_permille, 5, 50,
     "tasks that are not known any more after their end"},
    {"task-finishes-late", &EmulatorSettings::task_finishes_late_permille, 10, 50,
     "tasks that take twenty times as long"},
    {"cancel-ignored", &EmulatorSettings::cancel_ignored_permille, 50, 300,
     "cancels that are acknowledged and not obeyed"},
    {"submit-lost", &EmulatorSettings::submit_lost_permille, 10, 100,
     "submits that make a task and are never answered"},
    {"submit-refused", &EmulatorSettings::submit_refused_permille, 20, 100,
     "submits that are answered 421 although there is room"},
    {"reply-5xx", &EmulatorSettings::reply_5xx_permille, 10, 100, "requests that are answered 500 to 504"},
    {"reply-garbage", &EmulatorSettings::reply_garbage_permille, 5, 50,
     "requests that are answered by HTML or half a JSON"},
    {"reply-never", &EmulatorSettings::reply_never_permille, 2, 20, "requests that are never answered"},
    {"reply-slow", &EmulatorSettings::reply_slow_permille, 10, 50,
     "requests that are answered 2 to 8 s late"},
    {"webhook-lost", &EmulatorSettings::webhook_lost_permille, 50, 300, "webhooks that are never sent"},
    {"webhook-twice", &EmulatorSettings::webhook_twice_permille, 20, 200, "webhooks that are sent twice"},
    {"webhook-late", &EmulatorSettings::webhook_late_permille, 20, 200,
     "webhooks that come up to 2 min late"},
    {"webhook-early", &EmulatorSettings::webhook_early_permille, 10, 50,
     "webhooks that come before the answer to the submit"},
    {"webhook-forged", &EmulatorSettings::webhook_forged_permille, 0, 200,
     "webhooks beside the true one that say SUCCESS of a task that runs, or of another one"},
    {"webhook-misshapen", &EmulatorSettings::webhook_misshapen_permille, 5, 50,
     "webhooks that are not JSON or name no task"},
}};

/// Sets all faults: "none", "mild" (a bad day) or "worst". false: another word.
[[nodiscard]] bool set_faults(EmulatorSettings& settings, const std::string& strength);

/// Reads a share such as "30%" or "0.5%". A Problem whose `where` is empty when it is none, or above 100%.
[[nodiscard]] Result<int> parse_permille(const std::string& text);

}  // namespace jobwatchdog
