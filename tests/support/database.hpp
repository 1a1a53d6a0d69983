/// A fresh PostgreSQL database for one test, on the private cluster that script/test starts.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace jobwatchdog::test {

/// A database of its own name, dropped when the object dies (unless it was `existing`). Every member fails
/// the test on an error, except `error`.
class Database {
 public:
  static Database empty();  ///< As `CREATE DATABASE` makes it.
  static Database
  managed();  ///< After `jobwatchdog migrate`; a clone of a template that is migrated once a process.

  /// One that is there already, on whatever server; it stays when the object dies.
  static Database existing(const std::string& url);

  Database(Database&&) noexcept;
  Database(const Database&) = delete;
  Database& operator=(Database&&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::string url() const;  ///< As the superuser, by unix socket.
  [[nodiscard]] std::string tcp_url(const std::string& user,
                                    const std::string& password) const;  ///< By 127.0.0.1.
  [[nodiscard]] std::string value(
      const std::string& sql);  ///< First column of the first row; "" for NULL or no row.
  [[nodiscard]] std::vector<std::vector<std::string>> rows(const std::string& sql);
  void exec(const std::string& sql);                        ///< One or many statements. Throws on an error.
  [[nodiscard]] std::string error(const std::string& sql);  ///< "SQLSTATE message", or "" when it worked.

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Roles belong to the cluster, so another test may have made it already, or be making it.
void ensure_role(Database& database, const std::string& name, const std::string& attributes);

}  // namespace jobwatchdog::test
