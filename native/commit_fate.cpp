// What became of a COMMIT whose answer was lost.
#include "native/commit_fate.hpp"

#include "native/retry.hpp"

namespace jobwatchdog {
namespace {

/// "committed", "aborted" or "in progress"; "" when this is not the server of the transaction.
DatabaseResult<std::string> fate_on_its_server(Connection& connection, const CommitMark& mark) {
  const DatabaseResult<Rows> rows = connection.query(
      std::string{"SELECT CASE WHEN ("} + server_sql + ") = $2 THEN pg_xact_status($1::xid8) END AS fate",
      {mark.xid, mark.server}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  return rows.value().text(0, "fate");
}

/// Whether a relation of a server that did not give the number has a row written under it.
DatabaseResult<bool> has_row_of(Connection& connection, const CommitMark& mark, const std::string& relation,
                                const std::string& condition, std::vector<Text> parameters) {
  parameters.insert(parameters.begin(), mark.xid);
  const DatabaseResult<Rows> rows =
      connection.query("SELECT EXISTS (SELECT FROM " + relation + " AS t WHERE t.xmin = $1::xid8::xid AND " +
                           condition + ") AS is_there",
                       parameters, {.read_only = true, .statement_timeout = reading_timeout});
  if (!rows.ok()) return rows.error();
  return rows.value().boolean(0, "is_there");
}

/// The audit row of the batch. Nobody else signs as this process.
DatabaseResult<bool> left_its_evidence(Connection& connection, const CommitMark& mark,
                                       const WrittenRows& written) {
  return has_row_of(connection, mark, written.audit_table,
                    "t.table_name = $2 AND t.record_id IS NULL AND t.actor = $3",
                    {display_name(written.table), written.actor});
}

DatabaseResult<bool> left_its_number(Connection& connection, const CommitMark& mark,
                                     const WrittenRows& written) {
  return has_row_of(connection, mark, quoted(written.table),
                    "t." + quote_identifier(written.key) + " = ANY ($2)", {array_literal(written.keys)});
}

DatabaseError unknown_fate(const std::string& why) {
  return {DatabaseError::Kind::in_doubt, "08007",
          "the answer to COMMIT was lost, and whether its batch was settled could not be learnt (" + why +
              "); the next sweep will see what is left",
          ""};
}

/// Nothing when it has to be asked again.
std::optional<DatabaseResult<bool>> fate_on_another_server(Connection& connection, const CommitMark& mark,
                                                           const WrittenRows& written) {
  using Kind = DatabaseError::Kind;
  if (!written.audit_table.empty()) {
    const DatabaseResult<bool> evidence = left_its_evidence(connection, mark, written);
    if (evidence.ok()) return evidence;
    if (evidence.error().kind != Kind::refused) return std::nullopt;
  }
  const DatabaseResult<bool> number = left_its_number(connection, mark, written);
  if (number.ok() && number.value())
    return unknown_fate(
        "the server was started anew or another one took over, and without audit rows this batch looks like another sweep's");
  if (number.ok()) return number;
  // Neither a view nor a foreign table shows numbers.
  if (number.error().kind == Kind::refused) return DatabaseResult<bool>{false};
  return std::nullopt;
}

}  // namespace

DatabaseResult<CommitMark> mark_transaction(Transaction& transaction) {
  const DatabaseResult<Rows> rows = transaction.query(
      std::string{"SELECT pg_current_xact_id()::text AS xid, "} + server_sql + " AS server");
  if (!rows.ok()) return rows.error();
  return CommitMark{rows.value().text(0, "xid"), rows.value().text(0, "server")};
}

DatabaseResult<bool> was_committed(Connection& connection, const CommitMark& mark, const WrittenRows& rows,
                                   const std::function<bool()>& must_stop) {
  for (int attempt = 1; attempt <= attempts_max; ++attempt) {
    if (auto error = reconnect_patiently(connection, must_stop)) return unknown_fate(error->message);
    const DatabaseResult<std::string> fate = fate_on_its_server(connection, mark);
    if (fate.ok() && fate.value().empty()) {
      if (const auto answer = fate_on_another_server(connection, mark, rows)) return *answer;
    } else if (fate.ok() && fate.value() != "in progress") {
      return fate.value() == "committed";
    }
    rest_before_retry(attempt);
  }
  return unknown_fate("it was asked " + std::to_string(attempts_max) + " times");
}

}  // namespace jobwatchdog
