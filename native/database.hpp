/// The seam to PostgreSQL: the only header behind which libpqxx is used. Errors are values from here on.
///
/// Safe behind a pooler in transaction mode: unnamed statements with parameters, SET LOCAL, nothing bound to
/// a session. Every transaction is READ COMMITTED and carries its timeouts, role and settings itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/problem.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

/// What a caller may do about an error is in its kind.
struct DatabaseError {
  enum class Kind {
    unreachable,      ///< No connection could be made.
    connection_lost,  ///< The connection broke before COMMIT was sent: nothing was written.
    in_doubt,         ///< It broke after COMMIT was sent: ask was_committed() before doing anything again.
    retryable,        ///< 40001, 40P01, 55P03, 57P01, class 08: the same transaction may be tried again.
    timeout,          ///< 57014: too slow at once; fewer rows may do.
    refused,          ///< Any other SQLSTATE: the statement will not work like this.
  };

  Kind kind{Kind::refused};
  std::string sqlstate;  ///< Five characters, or "" when there is none.
  std::string message;   ///< One line, without "ERROR:".
  std::string detail;    ///< DETAIL and HINT of the server, or "".
};

template <typename Value>
using DatabaseResult = Result<Value, DatabaseError>;

/// A parameter or a cell: text, or nothing for NULL.
using Text = std::optional<std::string>;

/// A result, whole in memory and never copied: callers ask for pages.
class Rows {
 public:
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Text at(std::size_t row, std::string_view column) const;  ///< An unknown column is a bug.
  [[nodiscard]] std::string text(std::size_t row, std::string_view column) const;      ///< "" for NULL.
  [[nodiscard]] std::int64_t integer(std::size_t row, std::string_view column) const;  ///< 0 for NULL.
  [[nodiscard]] bool boolean(std::size_t row, std::string_view column) const;          ///< false for NULL.

 private:
  friend class Transaction;
  struct State;
  explicit Rows(std::shared_ptr<const State> state);
  [[nodiscard]] std::optional<std::string_view> view(std::size_t row, std::string_view column) const;
  std::shared_ptr<const State> state_;
};

/// Laid on every transaction by SET LOCAL.
struct SessionSettings {
  std::string role;  ///< "" = as connected.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Reading may take longer than writing: a table without an index is read whole.
inline constexpr Duration reading_timeout = seconds(60);

struct TransactionOptions {
  bool read_only{false};
  bool one_snapshot{
      false};  ///< REPEATABLE READ: all statements see one state of the database. For reading only.
  bool by_index_order{
      false};  ///< No bitmap scans: a page is then read along its index, not all rows behind it.
  Duration statement_timeout{seconds(5)};
  Duration lock_timeout{milliseconds(500)};
  Duration idle_timeout{seconds(10)};      ///< 0 = never: for a transaction that only holds a lock.
  const SessionSettings* caller{nullptr};  ///< Laid over the connection's own role and settings.
};

class Connection;

/// One transaction; rolled back when dropped. After an error only dropping it makes sense.
class Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  [[nodiscard]] DatabaseResult<Rows> query(const std::string& sql, const std::vector<Text>& parameters = {});
  /// Runs a script of several statements without parameters (a migration).
  [[nodiscard]] std::optional<DatabaseError> run_script(const std::string& sql);
  [[nodiscard]] std::optional<DatabaseError> commit();

 private:
  friend class Connection;
  struct State;
  explicit Transaction(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One connection, used by one thread. It never reconnects by itself.
class Connection {
 public:
  /// Connects. `url` is a URI or libpq's key=value text; what it leaves open, PG* and the service file tell.
  [[nodiscard]] static DatabaseResult<Connection> open(const std::string& url, SessionSettings settings);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  [[nodiscard]] DatabaseResult<Transaction> begin(const TransactionOptions& options);
  /// One statement in a transaction of its own.
  [[nodiscard]] DatabaseResult<Rows> query(const std::string& sql, const std::vector<Text>& parameters,
                                           const TransactionOptions& options);
  [[nodiscard]] std::optional<DatabaseError> reconnect();

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// SQL that tells servers apart: when this one was started, and when it last began its statistics anew, as it
/// does after a crash of one of its processes, which also gives transaction numbers out again.
inline constexpr const char* server_sql =
    "extract(epoch FROM pg_postmaster_start_time()) || ' ' || "
    "(SELECT coalesce(extract(epoch FROM stats_reset)::text, '') FROM pg_stat_bgwriter)";

/// The database's clock, read once for a whole pass.
struct DatabaseNow {
  Instant instant;
  std::string text;    ///< As the database writes it, to the microsecond.
  std::string server;  ///< Whose clock it was, by server_sql.
};
[[nodiscard]] DatabaseResult<DatabaseNow> database_now(Connection& connection);

/// The error as one line for people: message, detail, SQLSTATE.
[[nodiscard]] std::string error_text(const DatabaseError& error);

}  // namespace jobwatchdog
