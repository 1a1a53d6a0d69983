/// The provider accounts and who waits for them, as numbers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "native/serve/route.hpp"

namespace jobwatchdog {

struct AccountTotals {
  std::string account;
  std::int64_t running{0};  ///< Slots that are not free.
  std::int64_t slots{0};
  std::int64_t queued{0};

  [[nodiscard]] std::int64_t free() const { return slots - running; }
};

struct QueueTotals {
  std::vector<AccountTotals> accounts;
  std::map<std::string, std::int64_t> queued_by_tool;

  [[nodiscard]] AccountTotals sum() const;
};

[[nodiscard]] DatabaseResult<QueueTotals> queue_totals(const Services& services);

}  // namespace jobwatchdog
