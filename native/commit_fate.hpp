/// What became of a COMMIT whose answer was lost: looked up, never guessed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/sql_text.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

/// What is needed to look a transaction up later; taken inside it, before COMMIT.
struct CommitMark {
  std::string xid;
  std::string server;  ///< By server_sql. Another one gives the same xid to somebody else.
};

[[nodiscard]] DatabaseResult<CommitMark> mark_transaction(Transaction& transaction);

/// Rows that the transaction wrote.
struct WrittenRows {
  const QualifiedName& table;
  const std::string& key;
  std::vector<std::string> keys;
};

/// Whether the transaction was committed and is still there; reconnects first, as often as it takes.
/** The same server knows by pg_xact_status(). Another one (a promoted standby, perhaps one that lost the
 * commit) is asked whether a row bears the mark of the transaction; where it cannot tell, the answer is
 * false, and the guards of the next try decide. Errors: in_doubt, when there is no server to ask or
 * `must_stop` says so. Source: invariants.md R8, R14.
 */
[[nodiscard]] DatabaseResult<bool> was_committed(Connection& connection, const CommitMark& mark,
                                                 const WrittenRows& rows,
                                                 const std::function<bool()>& must_stop);

}  // namespace jobwatchdog
