/// What a node did, told to people and to programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "native/life/reconciler.hpp"

namespace jobwatchdog {

[[nodiscard]] nlohmann::ordered_json reconcile_json(const ReconcileCounts& counts);

/// A few lines; only what happened.
[[nodiscard]] std::string reconcile_text(const ReconcileCounts& counts);

}  // namespace jobwatchdog
