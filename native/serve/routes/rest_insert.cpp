// POST /rest/v1/TABLE: new rows under the caller's role. What a page may set, the policies of the table
// decide.
#include "native/json_text.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/rest/rest_reply.hpp"
#include "native/serve/rest/rest_request.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

constexpr std::size_t rows_max = 100;

/// The columns that every object of the body has; a refusal when they differ or one is not there.
Result<std::vector<const RestColumn*>, HttpReply> columns_of(const RestQuery& query,
                                                             const nlohmann::json& rows) {
  std::vector<const RestColumn*> columns;
  if (rows.empty() || rows.size() > rows_max || !rows.front().is_object())
    return rest_error(400, "PGRST102", "The body must be an object, or a list of 1 to 100 objects");
  for (const auto& [name, value] : rows.front().items()) {
    const RestColumn* column = find_column(*query.table, name);
    if (column == nullptr || (!query.tool.empty() && name == "tool"))
      return rest_error(400, "PGRST204",
                        "Could not find the '" + name + "' column of '" + std::string{query.table->name} +
                            "' in the schema cache");
    columns.push_back(column);
  }
  for (const nlohmann::json& row : rows) {
    const bool fits = row.is_object() && row.size() == columns.size() &&
                      std::all_of(columns.begin(), columns.end(), [&](const RestColumn* column) {
                        return row.contains(std::string{column->name});
                      });
    if (!fits) return rest_error(400, "PGRST102", "All object keys must match");
  }
  return columns;
}

/// INSERT INTO public.ai_jobs (tool, user_id) SELECT $1, given.user_id FROM json_to_recordset($2) AS given
/// (user_id uuid)
std::string insert_sql(const RestQuery& query, const std::vector<const RestColumn*>& columns) {
  std::string names = query.tool.empty() ? "" : "tool";
  std::string values = query.tool.empty() ? "" : "$1";
  std::string types;
  for (const RestColumn* column : columns) {
    const std::string name{column->name};
    names += (names.empty() ? "" : ", ") + name;
    values += (values.empty() ? "given." : ", given.") + name;
    types += (types.empty() ? "" : ", ") + name + " " + std::string{column->type};
  }
  const std::string body = query.tool.empty() ? "$1" : "$2";
  return "INSERT INTO " + std::string{query.table->relation} + " AS t (" + names + ") SELECT " + values +
         " FROM json_to_recordset(" + body + "::json) AS given (" + types + ")";
}

}  // namespace

HttpReply rest_insert(const Services& services, const Request& request) {
  const Result<RestQuery, HttpReply> read = read_rest_query(services, request);
  if (!read.ok()) return read.error();
  const RestQuery& query = read.value();
  const nlohmann::json rows = request.body.is_array() ? request.body : nlohmann::json::array({request.body});
  const Result<std::vector<const RestColumn*>, HttpReply> columns = columns_of(query, rows);
  if (!columns.ok()) return columns.error();
  if (columns.value().empty()) return rest_error(400, "PGRST102", "The body names no column");
  std::vector<Text> parameters;
  if (!query.tool.empty()) parameters.emplace_back(query.tool);
  parameters.emplace_back(json_line(rows));
  const bool wants_rows = prefers(request, "return=representation");
  const DatabaseResult<Rows> inserted = services.connections->query_once(
      insert_sql(query, columns.value()) + (wants_rows ? " RETURNING " + query.object + " AS row" : ""),
      parameters, {.caller = &request.session});
  if (!inserted.ok()) return rest_database_error(request, inserted.error());
  if (!wants_rows) return {.status = 201, .headers = {{"cache-control", "no-store"}}};
  std::vector<std::string> objects;
  for (std::size_t i = 0; i < inserted.value().size(); ++i)
    objects.push_back(inserted.value().text(i, "row"));
  return rest_rows(request, 201, objects);
}

}  // namespace jobwatchdog::routes
