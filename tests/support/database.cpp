// A fresh database for one test, made from the cluster that WATCHDOG_TEST_DATABASE_URL names.
#include "tests/support/database.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <pqxx/pqxx>
#include <stdexcept>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

std::string cluster_url() {
  const char* url = std::getenv("WATCHDOG_TEST_DATABASE_URL");
  if (url == nullptr)
    throw std::runtime_error("WATCHDOG_TEST_DATABASE_URL is not set: run the tests by script/test");
  return url;
}

/// The cluster's URL with another database in it: `postgresql:///NAME?host=...`.
std::string url_of(const std::string& database) {
  std::string url = cluster_url();
  const auto path = url.find('/', url.find("://") + 3);
  const auto query = url.find('?', path);
  return url.substr(0, path + 1) + database + (query == std::string::npos ? "" : url.substr(query));
}

void on_cluster(const std::string& sql) {
  pqxx::connection connection{cluster_url()};
  pqxx::nontransaction work{connection};
  work.exec(sql);
}

std::string fresh_name() {
  static std::atomic<int> count{0};
  return "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
}

/// One for each build of the binary, so that a rebuilt one migrates anew.
std::string template_name() {
  const std::filesystem::path binary{jobwatchdog_binary()};
  const auto written = std::filesystem::last_write_time(binary).time_since_epoch().count();
  return "template_managed_" +
         std::to_string(std::hash<std::string>{}(binary.string() + std::to_string(written)) % 1'000'000'000);
}

/// Migrated by the first test that needs it, whichever process that is, and cloned by the others. script/test
/// drops it.
const std::string& managed_template() {
  static const std::string name = [] {
    const std::string wanted = template_name();
    pqxx::connection connection{cluster_url()};
    pqxx::nontransaction work{connection};
    work.exec(
        "SELECT pg_advisory_lock(hashtextextended('managed_template', 0))");  // Until the connection ends.
    if (!work.exec("SELECT 1 FROM pg_database WHERE datname = '" + wanted + "'").empty()) return wanted;
    const std::string draft = wanted + "_draft";
    work.exec("DROP DATABASE IF EXISTS " + draft);
    work.exec("CREATE DATABASE " + draft);
    const ProcessResult result = run_jobwatchdog({"migrate", "--database-url", url_of(draft)});
    if (result.exit_code != 0) throw std::runtime_error("migrate failed: " + result.err);
    work.exec("ALTER DATABASE " + draft + " RENAME TO " + wanted);
    return wanted;
  }();
  return name;
}

/// libpqxx 6 leaves the SQLSTATE out where it has a class of its own for the error.
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) return "42501";
  return error.sqlstate();
}

}  // namespace

struct Database::State {
  std::string name;
  std::string url;
  bool is_existing{false};
  std::optional<pqxx::connection> connection;
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::Database(Database&&) noexcept = default;

Database Database::empty() {
  auto state = std::make_unique<State>();
  state->name = fresh_name();
  state->url = url_of(state->name);
  on_cluster("CREATE DATABASE " + state->name);
  state->connection.emplace(state->url);
  return Database{std::move(state)};
}

Database Database::managed() {
  auto state = std::make_unique<State>();
  state->name = fresh_name();
  state->url = url_of(state->name);
  on_cluster("CREATE DATABASE " + state->name + " TEMPLATE " + managed_template());
  state->connection.emplace(state->url);
  return Database{std::move(state)};
}

Database Database::existing(const std::string& url) {
  auto state = std::make_unique<State>();
  state->url = url;
  state->is_existing = true;
  state->connection.emplace(url);
  state->name = state->connection->dbname();
  return Database{std::move(state)};
}

Database::~Database() {
  if (!state_ || state_->is_existing) return;
  try {
    state_->connection.reset();
    on_cluster("DROP DATABASE IF EXISTS " + state_->name + " WITH (FORCE)");
  } catch (const std::exception& error) {
    ADD_FAILURE() << "could not drop " << state_->name << ": " << error.what();
  }
}

const std::string& Database::name() const { return state_->name; }
std::string Database::url() const { return state_->url; }

std::string Database::tcp_url(const std::string& user, const std::string& password) const {
  const char* port = std::getenv("WATCHDOG_TEST_TCP_PORT");
  if (port == nullptr)
    throw std::runtime_error("WATCHDOG_TEST_TCP_PORT is not set: run the tests by script/test");
  return "postgresql://" + user + ":" + password + "@127.0.0.1:" + port + "/" + state_->name;
}

std::vector<std::vector<std::string>> Database::rows(const std::string& sql) {
  std::vector<std::vector<std::string>> table;
  try {
    pqxx::nontransaction work{*state_->connection};
    for (const auto& row : work.exec(sql)) {
      std::vector<std::string> cells;
      for (const auto& field : row) cells.emplace_back(field.is_null() ? "" : field.c_str());
      table.push_back(std::move(cells));
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << sql << "\n  " << error.what();
  }
  return table;
}

std::string Database::value(const std::string& sql) {
  const auto table = rows(sql);
  return table.empty() || table[0].empty() ? "" : table[0][0];
}

void Database::exec(const std::string& sql) {
  pqxx::nontransaction work{*state_->connection};
  work.exec(sql);
}

std::string Database::error(const std::string& sql) {
  try {
    exec(sql);
  } catch (const pqxx::sql_error& error) {
    return sqlstate_of(error) + " " + error.what();
  } catch (const std::exception& error) {
    return std::string{"????? "} + error.what();
  }
  return "";
}

void ensure_role(Database& database, const std::string& name, const std::string& attributes) {
  database.exec("DO $$ BEGIN CREATE ROLE " + name + " " + attributes +
                "; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
}

}  // namespace jobwatchdog::test
