// Trying again after an error of the moment.
#include "native/retry.hpp"

#include <chrono>
#include <random>
#include <thread>

#include "core/backoff.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {

int drawn_permille(int max) {
  static thread_local std::mt19937 generator{std::random_device{}()};
  return std::uniform_int_distribution<int>{0, max}(generator);
}

void rest_for(Duration duration) { std::this_thread::sleep_for(std::chrono::milliseconds{duration.ms}); }

void rest_before_retry(int failed_attempt_count) {
  const BackoffPolicy policy{milliseconds(20), seconds(2), 1000};
  const int jitter = drawn_permille(policy.jitter_permille_max);
  rest_for(backoff_delay(failed_attempt_count, jitter, policy));
}

std::optional<DatabaseError> reconnect_patiently(Connection& connection,
                                                 const std::function<bool()>& must_stop) {
  const Stopwatch away;
  for (int attempt = 1;; ++attempt) {
    std::optional<DatabaseError> error = connection.reconnect();
    if (!error || must_stop() || away.elapsed() >= away_max) return error;
    rest_before_retry(attempt);
  }
}

namespace {

/// Whether to try again after `error`: reconnects or rests first. What may run twice knows no doubt, so an
/// end in doubt is only a lost connection.
bool may_try_again(Connection& connection, DatabaseError& error, int attempt,
                   const std::function<bool()>& must_stop) {
  using Kind = DatabaseError::Kind;
  if (attempt >= attempts_max) return false;
  if (error.kind == Kind::connection_lost || error.kind == Kind::in_doubt) {
    if (auto gone = reconnect_patiently(connection, must_stop)) {
      error = *gone;
      return false;
    }
    return true;
  }
  if (error.kind != Kind::retryable) return false;
  rest_before_retry(attempt);
  return true;
}

}  // namespace

DatabaseResult<Rows> query_patiently(Connection& connection, const std::string& sql,
                                     const std::vector<Text>& parameters, const TransactionOptions& options,
                                     const std::function<bool()>& must_stop) {
  for (int attempt = 1;; ++attempt) {
    DatabaseResult<Rows> rows = connection.query(sql, parameters, options);
    if (rows.ok()) return rows;
    DatabaseError error = rows.error();
    if (!may_try_again(connection, error, attempt, must_stop)) return error;
  }
}

std::optional<DatabaseError> transact_patiently(
    Connection& connection, const TransactionOptions& options,
    const std::function<std::optional<DatabaseError>(Transaction&)>& work,
    const std::function<bool()>& must_stop) {
  for (int attempt = 1;; ++attempt) {
    std::optional<DatabaseError> error;
    {
      DatabaseResult<Transaction> transaction = connection.begin(options);
      error = transaction.ok() ? work(transaction.value()) : std::optional{transaction.error()};
      if (!error) error = transaction.value().commit();
    }
    if (!error || !may_try_again(connection, *error, attempt, must_stop)) return error;
  }
}

}  // namespace jobwatchdog
