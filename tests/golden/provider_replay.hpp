/// Golden rows about the provider's replies: what its codes and words mean, and how long it wants to be left
/// alone.
#pragma once

#include <string>
#include <vector>

namespace jobwatchdog {

/// Whether a row is one of these: its kind and the number of its cells.
[[nodiscard]] bool is_provider_row(const std::vector<std::string>& cells);

/// What core says to the row, to be compared with its last cell.
[[nodiscard]] std::string replay_provider(const std::vector<std::string>& cells);

}  // namespace jobwatchdog
