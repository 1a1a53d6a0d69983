/// The same table in a real PostgreSQL: made from a setup, filled from the model, read back as the model's
/// rows.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "core/duration_text.hpp"
#include "core/spelling.hpp"
#include "core/sql_text.hpp"
#include "native/database.hpp"
#include "tests/property/random_table.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {

/// A result that must be there; an error is a counterexample with its words.
template <typename Value>
Value demand_value(DatabaseResult<Value> result) {
  if (!result.ok()) RC_FAIL(error_text(result.error()));
  return std::move(result.value());
}

inline Connection connected(const Database& database) {
  return demand_value(Connection::open(database.url(), {}));
}

/// Defaults of the database that must not matter to what the watchdog writes and reads.
inline void set_hostile_defaults(Database& database) {
  for (const char* setting :
       {"TimeZone = 'America/Sao_Paulo'", "DateStyle = 'German'", "IntervalStyle = 'sql_standard'",
        "standard_conforming_strings = off", "default_transaction_isolation = 'repeatable read'"})
    database.exec("ALTER DATABASE " + database.name() + " SET " + setting);
}

class RealTable {
 public:
  /// Once a database: the schema, the accounts and a refund function as somebody might have written it.
  /// Users that it does not know get no row, it refuses some, and
  /// one makes it raise.
  explicit RealTable(Database& database)
      : connection_((set_hostile_defaults(database), connected(database))) {
    run(R"sql(
CREATE SCHEMA "Clí""nica";
CREATE DOMAIN public.word AS text CHECK (VALUE <> 'no word');
CREATE TABLE public.accounts (who text PRIMARY KEY, balance numeric NOT NULL, refuses boolean NOT NULL);
CREATE TABLE public.payments (who text, amount numeric, why text);
CREATE FUNCTION public."pay back"(_who text, _amount numeric, _why text)
RETURNS TABLE (success boolean, error_message text) LANGUAGE plpgsql AS $$
BEGIN
  IF _who = 'raises' THEN RAISE EXCEPTION 'it raises'; END IF;
  IF EXISTS (SELECT 1 FROM public.accounts WHERE who = _who AND refuses) THEN
    RETURN QUERY SELECT false, 'it refuses'::text;
    RETURN;
  END IF;
  RETURN QUERY UPDATE public.accounts SET balance = balance + _amount WHERE who = _who RETURNING true, NULL::text;
  IF FOUND THEN INSERT INTO public.payments VALUES (_who, _amount, _why); END IF;
END $$)sql");
  }

  /// Makes the table of a case anew. `beginning` is the instant that the model counts from.
  void make(const TableSetup& setup, const TableModel& model, const std::string& beginning) {
    setup_ = setup;
    beginning_ = quote_literal(beginning) + "::timestamptz";
    const Names& n = setup.names();
    std::string status_type = setup.status_type;
    std::string sql =
        "DROP TABLE IF EXISTS " + quoted(plain_names().table) + ", " + quoted(hostile_names().table) +
        "; DROP TYPE IF EXISTS public.status_labels; TRUNCATE public.accounts, public.payments;";
    if (status_type == "enum") {
      std::vector<std::string> labels;
      for (const std::string& status : all_statuses()) labels.push_back(quote_literal(status));
      sql += "CREATE TYPE public.status_labels AS ENUM (" + joined(labels) + ");";
      status_type = "public.status_labels";
    }
    static const std::array<const char*, 3> key_types{"bigint", "uuid", "text COLLATE \"C\""};
    sql += "CREATE TABLE " + table() + " (" + quote_identifier(n.key) + " " +
           key_types[static_cast<std::size_t>(setup.key_type)] + " PRIMARY KEY, " +
           quote_identifier(n.status) + " " + status_type + " NOT NULL";
    for (const std::string& age : n.ages) sql += ", " + quote_identifier(age) + " timestamptz";
    const std::vector<std::pair<std::string, std::string>> others{{n.task, "text"},
                                                                  {n.account, "text"},
                                                                  {n.rescues, "integer"},
                                                                  {n.user, "text"},
                                                                  {n.amount, setup.amount_type},
                                                                  {n.charged, "boolean"},
                                                                  {n.refunded, "boolean"},
                                                                  {n.note, "text"},
                                                                  {n.finished, "timestamptz"}};
    for (const auto& [name, type] : others) sql += ", " + quote_identifier(name) + " " + type;
    sql += ");";
    for (const auto& [who, account] : model.accounts) {
      sql += "INSERT INTO public.accounts VALUES (" + quote_literal(who) + ", " +
             std::to_string(account.balance) + ", " + (account.refuses ? "true" : "false") + ");";
    }
    for (const auto& [key, row] : model.rows) sql += insert_sql(row) + ";";
    run(sql);
  }

  [[nodiscard]] std::string table() const { return quoted(setup_.names().table); }

  [[nodiscard]] std::string insert_sql(const Row& row) const {
    const Names& n = setup_.names();
    std::vector<std::string> columns;
    std::vector<std::string> values;
    const auto add = [&](const std::string& name, const std::string& value) {
      columns.push_back(quote_identifier(name));
      values.push_back(value);
    };
    add(n.key, quote_literal(row.key));
    add(n.status, quote_literal(row.status));
    for (std::size_t i = 0; i < row.ages.size(); ++i) add(n.ages[i], time_sql(row.ages[i]));
    add(n.task, text_sql(row.task));
    add(n.rescues, row.rescues ? std::to_string(*row.rescues) : "NULL");
    add(n.user, text_sql(row.user));
    add(n.amount, amount_sql(row.amount));
    add(n.charged, flag_sql(row.charged));
    add(n.refunded, flag_sql(row.refunded));
    add(n.note, text_sql(row.note));
    add(n.finished, time_sql(row.finished));
    return "INSERT INTO " + table() + " (" + joined(columns) + ") VALUES (" + joined(values) + ")";
  }

  /// `UPDATE table SET column = value WHERE key = ...`, to which a caller may add.
  [[nodiscard]] std::string update_sql(const std::string& key, const std::string& column,
                                       const std::string& value) const {
    return "UPDATE " + table() + " SET " + quote_identifier(column) + " = " + value + where(key);
  }

  [[nodiscard]] std::string where(const std::string& key) const {
    return " WHERE " + quote_identifier(setup_.names().key) + " = " + quote_literal(key);
  }

  [[nodiscard]] std::string time_sql(const std::optional<Micros>& time) const {
    if (!time) return "NULL";
    if (!is_finite(*time)) return *time == infinity ? "'infinity'" : "'-infinity'";
    return beginning_ + " + interval '" + std::to_string(*time) + " microseconds'";
  }
  static std::string text_sql(const std::optional<std::string>& text) {
    return text ? quote_literal(*text) : "NULL";
  }
  static std::string amount_sql(const std::optional<std::int64_t>& amount) {
    if (!amount) return "NULL";
    return *amount == beyond_sense ? "'NaN'" : std::to_string(*amount);
  }
  static std::string flag_sql(const std::optional<bool>& flag) {
    if (!flag) return "NULL";
    return *flag ? "true" : "false";
  }

  /// The whole table. A time within the given span was written as now().
  [[nodiscard]] std::map<std::string, Row> rows(Micros now_from, Micros now_to) {
    const Names& n = setup_.names();
    const std::vector<std::string> columns{quote_identifier(n.key) + "::text AS key",
                                           quote_identifier(n.status) + "::text AS status",
                                           micros_sql(n.ages[0]) + " AS age0",
                                           micros_sql(n.ages[1]) + " AS age1",
                                           micros_sql(n.ages[2]) + " AS age2",
                                           quote_identifier(n.task) + " AS task",
                                           quote_identifier(n.rescues) + " AS rescues",
                                           quote_identifier(n.user) + " AS who",
                                           amount_read_sql(n.amount) + " AS amount",
                                           quote_identifier(n.charged) + " AS charged",
                                           quote_identifier(n.refunded) + " AS refunded",
                                           quote_identifier(n.note) + " AS note",
                                           micros_sql(n.finished) + " AS finished"};
    const Rows result = query("SELECT " + joined(columns) + " FROM " + table());
    std::map<std::string, Row> rows;
    for (std::size_t i = 0; i < result.size(); ++i) {
      Row row{result.text(i, "key"),
              result.text(i, "status"),
              {},
              result.at(i, "task"),
              number(result.at(i, "rescues")),
              result.at(i, "who"),
              number(result.at(i, "amount")),
              flag(result.at(i, "charged")),
              flag(result.at(i, "refunded")),
              result.at(i, "note"),
              {}};
      const auto time = [&](const char* column) { return micros(result.at(i, column), now_from, now_to); };
      row.ages = {time("age0"), time("age1"), time("age2")};
      row.finished = time("finished");
      rows[row.key] = row;
    }
    return rows;
  }

  [[nodiscard]] std::map<std::string, Account> accounts() {
    const Rows result = query("SELECT who, trunc(balance)::bigint AS balance, refuses FROM public.accounts");
    std::map<std::string, Account> accounts;
    for (std::size_t i = 0; i < result.size(); ++i)
      accounts[result.text(i, "who")] = {result.integer(i, "balance"), result.boolean(i, "refuses")};
    return accounts;
  }

  /// In order; a payment with another description than the rule's is told by its user.
  [[nodiscard]] std::vector<Payment> payments() {
    const Rows result = query("SELECT who, trunc(amount)::bigint AS amount, why FROM public.payments");
    std::vector<Payment> payments;
    for (std::size_t i = 0; i < result.size(); ++i) {
      const bool is_described = result.text(i, "why") == hostile_text;
      payments.push_back(
          {result.text(i, "who") + (is_described ? "" : " (wrong words)"), result.integer(i, "amount")});
    }
    std::sort(payments.begin(), payments.end());
    return payments;
  }

  void run(const std::string& script) {
    Transaction transaction = demand_value(connection_.begin({.statement_timeout = seconds(60)}));
    if (auto error = transaction.run_script(script)) RC_FAIL(error_text(*error) + "\n" + script);
    if (auto error = transaction.commit()) RC_FAIL(error_text(*error));
  }

  Rows query(const std::string& sql, const std::vector<Text>& parameters = {}) {
    return demand_value(
        connection_.query(sql, parameters, {.read_only = true, .statement_timeout = seconds(60)}));
  }

 private:
  static std::string amount_read_sql(const std::string& column) {
    const std::string name = quote_identifier(column);
    return "CASE WHEN " + name + "::text = 'NaN' THEN " + std::to_string(beyond_sense) + " ELSE trunc(" +
           name + ")::bigint END";
  }

  [[nodiscard]] std::string micros_sql(const std::string& column) const {
    const std::string name = quote_identifier(column);
    return "CASE WHEN isfinite(" + name + ") THEN (extract(epoch FROM " + name + " - " + beginning_ +
           ") * 1000000)::bigint::text ELSE " + name + "::text END";
  }

  static std::optional<std::int64_t> number(const Text& cell) {
    return cell ? std::optional<std::int64_t>{std::stoll(*cell)} : std::nullopt;
  }
  static std::optional<bool> flag(const Text& cell) {
    return cell ? std::optional{*cell == "t"} : std::nullopt;
  }
  static std::optional<Micros> micros(const Text& cell, Micros now_from, Micros now_to) {
    if (!cell) return std::nullopt;
    if (*cell == "infinity") return infinity;
    if (*cell == "-infinity") return minus_infinity;
    const Micros time = std::stoll(*cell);
    return time >= now_from && time < now_to ? written_as_now : time;
  }

  Connection connection_;
  TableSetup setup_;
  std::string beginning_;
};

}  // namespace jobwatchdog::test
