/// Rests, and trying again after an error of the moment: the one place that draws a random number and sleeps.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "native/database.hpp"

namespace jobwatchdog {

/// How often something is tried in all before the error is believed.
inline constexpr int attempts_max = 6;

/// For how long a server that went away is waited for: it restarts, or a standby takes over.
inline constexpr Duration away_max = seconds(30);

/// A share drawn at random, 0..`max`: the jitter of a backoff.
[[nodiscard]] int drawn_permille(int max);

/// Sleeps.
void rest_for(Duration duration);

/// Sleeps for the backoff that follows `failed_attempt_count` failures, with full jitter. Source:
/// invariants.md R8.
void rest_before_retry(int failed_attempt_count);

/// Reconnects, trying again while the server is away. Gives the last error when it stays away for `away_max`,
/// or when `must_stop` (asked after each try) ends the waiting.
[[nodiscard]] std::optional<DatabaseError> reconnect_patiently(Connection& connection,
                                                               const std::function<bool()>& must_stop);

/// A statement that may run twice, so that it can be tried again after a lost connection or a conflict: it
/// only reads, or writes the same again.
[[nodiscard]] DatabaseResult<Rows> query_patiently(Connection& connection, const std::string& sql,
                                                   const std::vector<Text>& parameters,
                                                   const TransactionOptions& options,
                                                   const std::function<bool()>& must_stop);

/// A transaction that may run twice, tried again as query_patiently() does: all that `work` does in it must
/// be safe to repeat, because the answer to a COMMIT may be lost.
[[nodiscard]] std::optional<DatabaseError> transact_patiently(
    Connection& connection, const TransactionOptions& options,
    const std::function<std::optional<DatabaseError>(Transaction&)>& work,
    const std::function<bool()>& must_stop);

}  // namespace jobwatchdog
