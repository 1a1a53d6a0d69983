// GET /rest/v1/TABLE: rows under the caller's role, so that row level security decides which.
#include "native/serve/rest/rest_reply.hpp"
#include "native/serve/rest/rest_request.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply rest_read(const Services& services, const Request& request) {
  const Result<RestQuery, HttpReply> read = read_rest_query(services, request);
  if (!read.ok()) return read.error();
  const RestQuery& query = read.value();
  const bool wants_count = prefers(request, "count=exact");
  const std::string from = " FROM " + std::string{query.table->relation} + " AS t WHERE " + query.where;
  const std::string count = wants_count ? "(SELECT count(*)" + from + ")" : "NULL";
  // The count comes with a row that is there even when no other is.
  const DatabaseResult<Rows> rows =
      services.connections->query("SELECT page.row, total.count FROM (SELECT " + count +
                                      " AS count) AS total LEFT JOIN LATERAL (SELECT " + query.object +
                                      " AS row" + from + query.order + query.page + ") AS page ON true",
                                  query.parameters, {.read_only = true, .caller = &request.session});
  if (!rows.ok()) return rest_database_error(request, rows.error());
  std::vector<std::string> objects;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    if (const Text row = rows.value().at(i, "row")) objects.push_back(*row);
  }
  HttpReply reply = rest_rows(request, 200, objects);
  const std::string range =
      objects.empty() ? "*"
                      : std::to_string(query.offset) + "-" +
                            std::to_string(query.offset + static_cast<std::int64_t>(objects.size()) - 1);
  reply.headers["content-range"] = range + "/" + (wants_count ? rows.value().text(0, "count") : "*");
  return reply;
}

}  // namespace jobwatchdog::routes
