/// Trying again after an error of the moment: the one place that draws a random number and sleeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "native/database.hpp"

namespace jobwatchdog {

/// How often something is tried in all before the error is believed.
inline constexpr int attempts_max = 6;

/// Sleeps for the backoff that follows `failed_attempt_count` failures, with full jitter. Source:
/// invariants.md R8.
void rest_before_retry(int failed_attempt_count);

/// Reconnects, trying again while the server is away. Gives the last error when it stays away.
[[nodiscard]] std::optional<DatabaseError> reconnect_patiently(Connection& connection);

/// A statement that only reads, so that it may be tried again after a lost connection or a conflict.
[[nodiscard]] DatabaseResult<Rows> read_patiently(Connection& connection, const std::string& sql,
                                                  const std::vector<Text>& parameters,
                                                  const TransactionOptions& options);

}  // namespace jobwatchdog
