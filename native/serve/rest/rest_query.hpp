/// A request to a table of /rest/v1, understood: which columns, which rows, in which order. Source:
/// protocols.md 3.1.
#pragma once

#include <string>
#include <vector>

#include "core/problem.hpp"
#include "native/database.hpp"
#include "native/http/http_server.hpp"
#include "native/serve/rest/rest_tables.hpp"

namespace jobwatchdog {

/// Parts of a statement, put together from words of our own; what the request says is in `parameters`.
struct RestQuery {
  const RestTable* table{nullptr};
  std::string tool;    ///< Of a tool's own table; "" for any other.
  std::string object;  ///< "json_build_object('id', t.id, ...)"
  std::string where;   ///< "t.tool = $1 AND t.id = $2::uuid", or "true".
  std::string order;   ///< " ORDER BY t.created_at DESC", or "".
  std::string page;    ///< " LIMIT 10 OFFSET 0"; always with a limit.
  std::int64_t offset{0};
  std::vector<Text> parameters;
};

/// At most so many rows are read at once.
inline constexpr std::int64_t rest_rows_max = 1'000;

/// Understands the query of a URL, as it was sent, about a table; `tool` when it is a tool's own.
/** Refused: an unknown column (400), and what this subset of PostgREST does not have (400 PGRST100). */
[[nodiscard]] Result<RestQuery, HttpReply> parse_rest_query(const RestTable& table, const std::string& tool,
                                                            const std::string& query);

}  // namespace jobwatchdog
