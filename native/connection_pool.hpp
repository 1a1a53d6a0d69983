/// Connections for handlers that run on many threads: each takes one for a request and gives it back.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "native/database.hpp"

namespace jobwatchdog {

class ConnectionPool {
 public:
  /// `open` makes a connection; it is called without the pool's lock, on the thread that wants one.
  explicit ConnectionPool(std::function<DatabaseResult<Connection>()> open) : open_(std::move(open)) {}

  /// Opens connections before they are wanted and runs a statement on each, so that the first requests find
  /// them open and the statement planned. What cannot be opened now is left to whoever wants it.
  void warm(std::size_t count, const std::string& sql) {
    for (std::size_t i = 0; i < count; ++i) {
      DatabaseResult<Connection> connection = open_();
      if (!connection.ok() || !connection.value().query(sql, {}, {.read_only = true}).ok()) return;
      give_back(std::move(connection.value()));
    }
  }

  /// Runs one statement that may run twice: after a lost connection it is tried once more, by another one.
  [[nodiscard]] DatabaseResult<Rows> query(const std::string& sql, const std::vector<Text>& parameters,
                                           const TransactionOptions& options) {
    DatabaseResult<Rows> rows = try_once(sql, parameters, options);
    if (rows.ok() || !was_lost(rows.error())) return rows;
    forget_idle();  // What lost one connection has probably lost them all.
    return try_once(sql, parameters, options);
  }

  /// Runs one statement that must not run twice: it is tried again only when the first certainly did nothing.
  [[nodiscard]] DatabaseResult<Rows> query_once(const std::string& sql, const std::vector<Text>& parameters,
                                                const TransactionOptions& options) {
    DatabaseResult<Rows> rows = try_once(sql, parameters, options);
    if (rows.ok() || rows.error().kind != DatabaseError::Kind::connection_lost) return rows;
    forget_idle();
    return try_once(sql, parameters, options);
  }

  /// Lends a connection for work that needs one whole; `failed` answers when none can be had.
  template <typename Answer>
  [[nodiscard]] Answer lend(const std::function<Answer(Connection&)>& work,
                            const std::function<Answer(const DatabaseError&)>& failed) {
    DatabaseResult<Connection> connection = take();
    if (!connection.ok()) return failed(connection.error());
    Answer answer = work(connection.value());
    give_back(std::move(connection.value()));
    return answer;
  }

 private:
  static bool was_lost(const DatabaseError& error) {
    return error.kind == DatabaseError::Kind::connection_lost || error.kind == DatabaseError::Kind::in_doubt;
  }

  DatabaseResult<Connection> take() {
    {
      const std::lock_guard lock{mutex_};
      if (!idle_.empty()) {
        Connection connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return open_();
  }

  void give_back(Connection connection) {
    const std::lock_guard lock{mutex_};
    idle_.push_back(std::move(connection));
  }

  void forget_idle() {
    const std::lock_guard lock{mutex_};
    idle_.clear();
  }

  DatabaseResult<Rows> try_once(const std::string& sql, const std::vector<Text>& parameters,
                                const TransactionOptions& options) {
    DatabaseResult<Connection> connection = take();
    if (!connection.ok()) return connection.error();
    DatabaseResult<Rows> rows = connection.value().query(sql, parameters, options);
    if (rows.ok() || !was_lost(rows.error())) give_back(std::move(connection.value()));
    return rows;
  }

  std::function<DatabaseResult<Connection>()> open_;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

}  // namespace jobwatchdog
