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

/// What the transaction wrote: its rows, and the audit row that tells who settled them.
struct WrittenRows {
  const QualifiedName& table;
  const std::string& key;
  std::vector<std::string> keys;
  const std::string& audit_table;  ///< Empty: it leaves none.
  const std::string& actor;
};

/// Whether the transaction was committed and is still there; reconnects first, as often as it takes.
/** The same server knows by pg_xact_status(). Another one (started anew after a crash, or a promoted standby)
 * may have lost the commit and given its number to another transaction, even to another sweep that settled
 * the same rows. So there the audit row of this process with that number decides. Where there are no audit
 * rows to read, a batch whose rows do not bear the number was lost, and one whose rows do stays in doubt;
 * where there are no numbers either, the answer is false, and the guards of the next try decide. Errors:
 * in_doubt, also when there is no server to ask or `must_stop` says so. Source: invariants.md R8, R14.
 */
[[nodiscard]] DatabaseResult<bool> was_committed(Connection& connection, const CommitMark& mark,
                                                 const WrittenRows& rows,
                                                 const std::function<bool()>& must_stop);

}  // namespace jobwatchdog
