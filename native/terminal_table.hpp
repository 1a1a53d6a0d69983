/// Plain tables for terminals: columns as wide as their text, numbers to the right.
#pragma once

#include <string>
#include <vector>

namespace jobwatchdog {

/// Lays out `rows` under `headings`. Columns whose cells are all numbers are right-aligned.
/** Widths count UTF-8 characters, not bytes. Control characters show as '?', so that data cannot steer a
 * terminal. */
[[nodiscard]] std::string terminal_table(const std::vector<std::string>& headings,
                                         const std::vector<std::vector<std::string>>& rows);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(long long number);

}  // namespace jobwatchdog
