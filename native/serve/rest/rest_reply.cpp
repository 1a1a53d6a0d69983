// Replies as PostgREST shapes them: rows, one object, errors.
#include "native/serve/rest/rest_reply.hpp"

#include "native/http/request_header.hpp"
#include "native/log.hpp"
#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

int status_of(const Request& request, const std::string& sqlstate) {
  const std::string kind = sqlstate.substr(0, 2);
  if (sqlstate == "23503" || sqlstate == "23505") return 409;
  if (sqlstate == "42501") return request.caller.kind == Caller::Kind::anon ? 401 : 403;
  if (sqlstate == "42P01" || sqlstate == "42883") return 404;
  if (sqlstate == "25006") return 405;
  if (sqlstate == "P0001") return 400;
  if (sqlstate == "53400" || sqlstate == "42P17") return 500;
  if (kind == "08" || kind == "53" || kind == "57" || sqlstate.empty()) return 503;
  if (kind == "P0" || kind == "40" || kind == "54" || kind == "55" || kind == "58" || kind == "XX")
    return 500;
  if (kind == "28" || kind == "0L" || kind == "0P") return 403;
  return 400;
}

}  // namespace

HttpReply rest_error(int status, const std::string& code, const std::string& message,
                     const std::string& details, const std::string& hint) {
  return json_reply(
      status, {{"code", code}, {"details", or_null(details)}, {"hint", or_null(hint)}, {"message", message}});
}

HttpReply rest_database_error(const Request& request, const DatabaseError& error) {
  const int status = status_of(request, error.sqlstate);
  if (status < 500) return rest_error(status, error.sqlstate, error.message, error.detail);
  log(LogLevel::error, "rest: " + error_text(error), {{"request_id", request.id}});
  HttpReply reply =
      rest_error(status, status == 503 ? "PGRST001" : error.sqlstate,
                 status == 503 ? "The database does not answer at this moment" : "The server's log says why");
  if (status == 503) reply.headers["retry-after"] = retry_after_s;
  return reply;
}

bool wants_object(const Request& request) {
  return header(request.http, "accept").find("application/vnd.pgrst.object+json") != std::string::npos;
}

HttpReply rest_rows(const Request& request, int status, const std::vector<std::string>& rows) {
  HttpReply reply = json_reply(status, Json::array());
  if (wants_object(request)) {
    if (rows.size() != 1)
      return rest_error(406, "PGRST116", "JSON object requested, multiple (or no) rows returned",
                        "The result contains " + std::to_string(rows.size()) + " rows");
    reply.headers["content-type"] = "application/vnd.pgrst.object+json; charset=utf-8";
    reply.body = rows.front();
    return reply;
  }
  std::string list;
  for (const std::string& row : rows) list += (list.empty() ? "" : ",\n ") + row;
  reply.headers["content-type"] = "application/json; charset=utf-8";
  reply.body = "[" + list + "]";
  return reply;
}

std::optional<HttpReply> refuse_profile(const Request& request) {
  for (const char* name : {"accept-profile", "content-profile"}) {
    const std::string profile = header(request.http, name);
    if (!profile.empty() && profile != "public")
      return rest_error(406, "PGRST106", "The schema must be one of the following: public");
  }
  return std::nullopt;
}

bool prefers(const Request& request, const std::string& word) {
  const std::string list = "," + header(request.http, "prefer") + ",";
  return list.find("," + word + ",") != std::string::npos ||
         list.find(", " + word + ",") != std::string::npos;
}

}  // namespace jobwatchdog
