// The seam to PostgreSQL, on libpqxx 6. Its exceptions end in this file.
#include "native/database.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <pqxx/pqxx>
#include <typeinfo>

#include "core/require.hpp"
#include "core/sql_text.hpp"

namespace jobwatchdog {
namespace {

using Kind = DatabaseError::Kind;

/// The server's text "ERROR:  message\nDETAIL:  ...\nHINT:  ...\nCONTEXT: ..." as message and detail.
void split_message(const std::string& text, DatabaseError& error) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (error.message.empty()) {
      for (const std::string_view severity : {"ERROR:  ", "FATAL:  ", "PANIC:  "}) {
        if (line.rfind(severity, 0) == 0) line.erase(0, severity.size());
      }
      error.message = line;
    } else if (line.rfind("DETAIL:  ", 0) == 0 || line.rfind("HINT:  ", 0) == 0) {
      error.detail += (error.detail.empty() ? "" : " ") + line.substr(line.find("  ") + 2);
    } else if (line.rfind("connection to server", 0) == 0 && error.message.find(line) == std::string::npos) {
      error.message += "; " + line;  // Of several hosts each says why.
    }
  }
  if (error.message.empty()) error.message = "the server gave no message";
}

DatabaseError make_error(Kind kind, std::string sqlstate, const std::string& text) {
  DatabaseError error{kind, std::move(sqlstate), "", ""};
  split_message(text, error);
  return error;
}

Kind kind_of(const std::string& sqlstate) {
  // The server stops at once, or it is starting.
  if (sqlstate == "57P02" || sqlstate == "57P03" || sqlstate.rfind("08", 0) == 0)
    return Kind::connection_lost;
  static const std::array<std::string_view, 4> retryable{"40001", "40P01", "55P03", "57P01"};
  if (std::find(retryable.begin(), retryable.end(), sqlstate) != retryable.end()) return Kind::retryable;
  if (sqlstate == "57014") return Kind::timeout;
  return Kind::refused;
}

/// The SQLSTATE of an error; libpqxx 6 leaves it out where it has a class of its own.
std::string sqlstate_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return error.sqlstate();
  const auto is = [&error](auto* kind) { return dynamic_cast<decltype(kind)>(&error) != nullptr; };
  if (is(static_cast<const pqxx::insufficient_privilege*>(nullptr))) return "42501";
  if (is(static_cast<const pqxx::undefined_column*>(nullptr))) return "42703";
  if (is(static_cast<const pqxx::undefined_function*>(nullptr))) return "42883";
  if (is(static_cast<const pqxx::undefined_table*>(nullptr))) return "42P01";
  if (is(static_cast<const pqxx::syntax_error*>(nullptr))) return "42601";
  if (is(static_cast<const pqxx::foreign_key_violation*>(nullptr))) return "23503";
  if (is(static_cast<const pqxx::unique_violation*>(nullptr))) return "23505";
  if (is(static_cast<const pqxx::check_violation*>(nullptr))) return "23514";
  if (is(static_cast<const pqxx::not_null_violation*>(nullptr))) return "23502";
  if (is(static_cast<const pqxx::restrict_violation*>(nullptr))) return "23001";
  if (is(static_cast<const pqxx::data_exception*>(nullptr))) return "22000";
  if (is(static_cast<const pqxx::feature_not_supported*>(nullptr))) return "0A000";
  if (is(static_cast<const pqxx::disk_full*>(nullptr))) return "53100";
  if (is(static_cast<const pqxx::out_of_memory*>(nullptr))) return "53200";
  if (is(static_cast<const pqxx::plpgsql_raise*>(nullptr))) return "P0001";
  return "";
}

/// Whether libpq itself made the error, because no answer came: then libpqxx 6 has neither a SQLSTATE nor a
/// class for it.
bool is_without_answer(const pqxx::sql_error& error) {
  return error.sqlstate().empty() && typeid(error) == typeid(pqxx::sql_error);
}

/// Runs `work` and turns what it throws into a value. The order of the handlers is libpqxx 6's class tree.
template <typename Value, typename Work>
DatabaseResult<Value> guarded(Work&& work) {
  try {
    return work();
  } catch (const pqxx::in_doubt_error& error) {
    return make_error(Kind::in_doubt, "08007", error.what());
  } catch (const pqxx::statement_completion_unknown& error) {
    return make_error(Kind::in_doubt, "40003", error.what());
  } catch (const pqxx::deadlock_detected& error) {
    return make_error(Kind::retryable, "40P01", error.what());
  } catch (const pqxx::transaction_rollback& error) {
    return make_error(Kind::retryable, "40001", error.what());
  } catch (const pqxx::too_many_connections& error) {
    return make_error(Kind::connection_lost, "53300", error.what());
  } catch (const pqxx::broken_connection& error) {
    return make_error(Kind::connection_lost, "", error.what());
  } catch (const pqxx::sql_error& error) {
    if (is_without_answer(error)) return make_error(Kind::connection_lost, "", error.what());
    const std::string sqlstate = sqlstate_of(error);
    return make_error(kind_of(sqlstate), sqlstate, error.what());
  } catch (const std::exception& error) {
    return make_error(Kind::refused, "", error.what());
  }
}

std::string set_locally(const std::string& name, const std::string& value) {
  return "set_config(" + quote_literal(name) + ", " + quote_literal(value) + ", true)";
}

/// How each transaction begins, in one round trip. DateStyle fixes how times read, whatever the role's
/// default.
std::string opening(const TransactionOptions& options, const SessionSettings& session) {
  std::string sql = "BEGIN ISOLATION LEVEL ";
  sql += options.one_snapshot ? "REPEATABLE READ" : "READ COMMITTED";
  sql += options.read_only ? ", READ ONLY" : ", READ WRITE";
  sql += "; SELECT " + set_locally("statement_timeout", std::to_string(options.statement_timeout.ms)) + ", " +
         set_locally("lock_timeout", std::to_string(options.lock_timeout.ms)) + ", " +
         set_locally("idle_in_transaction_session_timeout", std::to_string(options.idle_timeout.ms)) + ", " +
         set_locally("datestyle", "ISO, YMD");
  if (options.by_index_order) sql += ", " + set_locally("enable_bitmapscan", "off");
  for (const auto& [name, value] : session.settings) sql += ", " + set_locally(name, value);
  std::string role = session.role;
  if (options.caller) {
    for (const auto& [name, value] : options.caller->settings) sql += ", " + set_locally(name, value);
    if (!options.caller->role.empty()) role = options.caller->role;
  }
  if (!role.empty()) sql += ", " + set_locally("role", role);
  return sql;
}

}  // namespace

/// The cells are views of what libpq holds: a page is thousands of them, and most are looked at once.
struct Rows::State {
  explicit State(const pqxx::result& from) : result(from) {
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i) columns.emplace_back(result.column_name(i));
    cells.reserve(result.size() * columns.size());
    for (const auto& row : result) {
      for (const auto& field : row) {
        cells.push_back(field.is_null() ? std::nullopt
                                        : std::optional{std::string_view{field.c_str(), field.size()}});
      }
    }
  }

  pqxx::result result;
  std::vector<std::string> columns;
  std::vector<std::optional<std::string_view>> cells;  ///< Row by row.
};

Rows::Rows(std::shared_ptr<const State> state) : state_(std::move(state)) {}

std::size_t Rows::size() const { return state_->result.size(); }

std::optional<std::string_view> Rows::view(std::size_t row, std::string_view column) const {
  const auto found = std::find(state_->columns.begin(), state_->columns.end(), column);
  require(found != state_->columns.end() && row < size(),
          "a result is asked for a row and column that it has");
  const auto number = static_cast<std::size_t>(found - state_->columns.begin());
  return state_->cells[row * state_->columns.size() + number];
}

Text Rows::at(std::size_t row, std::string_view column) const {
  const auto cell = view(row, column);
  return cell ? Text{std::string{*cell}} : std::nullopt;
}

std::string Rows::text(std::size_t row, std::string_view column) const {
  return std::string{view(row, column).value_or("")};
}

bool Rows::boolean(std::size_t row, std::string_view column) const { return view(row, column) == "t"; }

std::int64_t Rows::integer(std::size_t row, std::string_view column) const {
  const std::string_view cell = view(row, column).value_or("");
  std::int64_t value = 0;
  std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return value;
}

struct Connection::State {
  std::string url;
  SessionSettings settings;
  std::optional<pqxx::connection> link;
  std::unique_ptr<pqxx::quiet_errorhandler>
      quiet;  // Notices of users' triggers are not our output. Dies before `link`.

  void connect() {
    quiet.reset();
    link.reset();
    link.emplace(url);
    quiet = std::make_unique<pqxx::quiet_errorhandler>(*link);
  }
};

/// A transaction of libpqxx that begins with words of our own.
class Work final : public pqxx::dbtransaction {
 public:
  Work(pqxx::connection& link, std::string opening)
      : pqxx::internal::namedclass("transaction"), pqxx::dbtransaction(link), opening_(std::move(opening)) {
    Begin();
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() override { End(); }

 private:
  void do_begin() override {
    try {
      direct_exec(opening_.c_str());
    } catch (const std::exception&) {
      // BEGIN may have been done and what follows it refused.
      if (conn().is_open()) direct_exec("ROLLBACK");
      throw;
    }
  }
  void do_commit() override { direct_exec("COMMIT"); }

  std::string opening_;
};

struct Transaction::State {
  State(pqxx::connection& link, std::string opening) : work(link, std::move(opening)) {}
  Work work;
};

Transaction::Transaction(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

DatabaseResult<Rows> Transaction::query(const std::string& sql, const std::vector<Text>& parameters) {
  for (const Text& parameter : parameters) {
    if (parameter && !is_storable_text(*parameter)) {
      return DatabaseError{Kind::refused, "22021", "a parameter is not UTF-8 text without NUL", ""};
    }
  }
  return guarded<Rows>([&] {
    return Rows{std::make_shared<const Rows::State>(
        state_->work.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters)))};
  });
}

std::optional<DatabaseError> Transaction::run_script(const std::string& sql) {
  const auto done = guarded<bool>([&] {
    state_->work.exec(sql);
    return true;
  });
  return done.ok() ? std::nullopt : std::optional{done.error()};
}

std::optional<DatabaseError> Transaction::commit() {
  const auto done = guarded<bool>([&] {
    state_->work.commit();
    return true;
  });
  if (done.ok()) return std::nullopt;
  DatabaseError error = done.error();
  // A server that shuts down may say so after it committed, while it still waits for its standby.
  if (error.kind == Kind::connection_lost || error.sqlstate == "57P01") error.kind = Kind::in_doubt;
  return error;
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

DatabaseResult<Connection> Connection::open(const std::string& url, SessionSettings settings) {
  auto state = std::make_unique<State>();
  state->url = url;
  state->settings = std::move(settings);
  Connection connection{std::move(state)};
  if (auto error = connection.reconnect()) return *error;
  return connection;
}

std::optional<DatabaseError> Connection::reconnect() {
  const auto done = guarded<bool>([&] {
    state_->connect();
    return true;
  });
  if (done.ok()) return std::nullopt;
  DatabaseError error = done.error();
  error.kind = Kind::unreachable;
  return error;
}

DatabaseResult<Transaction> Connection::begin(const TransactionOptions& options) {
  DatabaseResult<Transaction> begun = guarded<Transaction>([&] {
    if (!state_->link || !state_->link->is_open())
      throw pqxx::broken_connection{"the connection to the server was lost"};
    return Transaction{
        std::make_unique<Transaction::State>(*state_->link, opening(options, state_->settings))};
  });
  if (begun.ok() || begun.error().sqlstate != "0A000") return begun;
  // A standby refuses READ WRITE with the SQLSTATE of a missing feature.
  DatabaseError error = begun.error();
  error.kind = Kind::connection_lost;
  error.sqlstate = "25006";
  return error;
}

DatabaseResult<Rows> Connection::query(const std::string& sql, const std::vector<Text>& parameters,
                                       const TransactionOptions& options) {
  DatabaseResult<Transaction> transaction = begin(options);
  if (!transaction.ok()) return transaction.error();
  DatabaseResult<Rows> rows = transaction.value().query(sql, parameters);
  if (!rows.ok()) return rows;
  if (auto error = transaction.value().commit()) {
    // Nothing was written, so an end in doubt is only a lost connection.
    if (options.read_only && error->kind == Kind::in_doubt) error->kind = Kind::connection_lost;
    return *error;
  }
  return rows;
}

DatabaseResult<DatabaseNow> database_now(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(
      std::string{
          "SELECT statement_timestamp() AS now, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint AS now_ms, "} +
          server_sql + " AS server",
      {}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  return DatabaseNow{
      {rows.value().integer(0, "now_ms")}, rows.value().text(0, "now"), rows.value().text(0, "server")};
}

std::string error_text(const DatabaseError& error) {
  std::string text = error.message;
  if (!error.detail.empty()) text += " (" + error.detail + ")";
  if (!error.sqlstate.empty()) text += " [" + error.sqlstate + "]";
  return text;
}

}  // namespace jobwatchdog
