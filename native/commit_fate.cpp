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

/// A row that another server shows as written by that xid. A later transaction of the same number that wrote
/// the very same rows would have settled them too.
DatabaseResult<bool> has_left_its_mark(Connection& connection, const CommitMark& mark,
                                       const WrittenRows& written) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT EXISTS (SELECT FROM " + quoted(written.table) + " AS t WHERE t." +
          quote_identifier(written.key) + " = ANY ($1) AND t.xmin = $2::xid8::xid) AS is_there",
      {array_literal(written.keys), mark.xid}, {.read_only = true, .statement_timeout = reading_timeout});
  if (!rows.ok()) return rows.error();
  return rows.value().boolean(0, "is_there");
}

DatabaseError unknown_fate(const std::string& why) {
  return {DatabaseError::Kind::in_doubt, "08007",
          "the answer to COMMIT was lost, and whether its batch was settled could not be learnt (" + why +
              "); the next sweep will see what is left",
          ""};
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
      const DatabaseResult<bool> marked = has_left_its_mark(connection, mark, rows);
      if (marked.ok()) return marked.value();
      // Neither a view nor a foreign table has marks to show.
      if (marked.error().kind == DatabaseError::Kind::refused) return false;
    } else if (fate.ok() && fate.value() != "in progress") {
      return fate.value() == "committed";
    }
    rest_before_retry(attempt);
  }
  return unknown_fate("it was asked " + std::to_string(attempts_max) + " times");
}

}  // namespace jobwatchdog
