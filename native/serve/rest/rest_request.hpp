/// A request to a table of /rest/v1: the table is found, then its query is understood.
#pragma once

#include "native/serve/rest/rest_query.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// Understands path and query. Refused: another schema (406), an unknown table (404 PGRST205), and whatever
/// parse_rest_query() refuses.
[[nodiscard]] Result<RestQuery, HttpReply> read_rest_query(const Services& services, const Request& request);

}  // namespace jobwatchdog
