/// The watching machine of a job as JSON, so that whichever node makes the next check goes on where the last
/// one stopped.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/watch.hpp"

namespace jobwatchdog {

/// All that the machine remembers.
[[nodiscard]] nlohmann::json watch_json(const WatchState& state);

/// The machine of that text; a fresh one when the text is empty or not one that watch_json() wrote: it begins
/// anew.
[[nodiscard]] WatchState watch_of_json(const std::string& text);

}  // namespace jobwatchdog
