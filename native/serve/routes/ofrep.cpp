// /ofrep/v1/evaluate/flags[/KEY]: flags as OpenFeature's remote evaluation protocol wants them. A user is
// asked for as that user, whatever the body says.
#include "native/flag_json.hpp"
#include "native/http/request_header.hpp"
#include "native/serve/etag.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

using Json = nlohmann::ordered_json;

Json error_json(const std::string& key, const std::string& code, const std::string& details) {
  Json json{{"errorCode", code}, {"errorDetails", details}};
  if (!key.empty()) json["key"] = key;
  return json;
}

/// {context: {targetingKey?, tool?, session?}}, or the words for what is wrong with it.
Result<FlagContext, std::string> context_of(const Request& request) {
  const nlohmann::json empty = nlohmann::json::object();
  const bool has_context = request.body.is_object() && request.body.contains("context");
  const nlohmann::json& given = has_context ? request.body["context"] : empty;
  if (!given.is_object()) return std::string{"context must be an object"};
  BodyReader reader{given, "context."};
  FlagContext context{reader.text_or_none("targetingKey"), reader.text_or_none("tool"),
                      reader.text_or_none("session")};
  if (reader.problem()) return *reader.problem();
  if (request.caller.is_user()) context.user = request.caller.user_id;
  return context;
}

/// As the protocol words an evaluation that failed: the client then uses its own default.
Json evaluation_json(const KnownFlag& flag, const FlagAnswer& answer) {
  if (answer.evaluation.error_code == FlagErrorCode::none) return flag_json(flag, answer);
  return error_json(std::string{flag.name}, std::string{flag_error_code_name(answer.evaluation.error_code)},
                    answer.evaluation.error_message);
}

}  // namespace

HttpReply ofrep_flag(const Services& services, const Request& request) {
  const std::string& key = request.wildcards.front();
  const KnownFlag* flag = find_flag(key);
  if (flag == nullptr) return json_reply(404, error_json(key, "FLAG_NOT_FOUND", "there is no such flag"));
  const Result<FlagContext, std::string> context = context_of(request);
  if (!context.ok()) return json_reply(400, error_json(key, "INVALID_CONTEXT", context.error()));
  const Json evaluation = evaluation_json(*flag, services.flags->get()->ask(*flag, context.value()));
  return json_reply(evaluation.contains("errorCode") ? 400 : 200, evaluation);
}

HttpReply ofrep_all_flags(const Services& services, const Request& request) {
  const Result<FlagContext, std::string> context = context_of(request);
  if (!context.ok()) return json_reply(400, error_json("", "INVALID_CONTEXT", context.error()));
  const std::shared_ptr<const Flags> flags = services.flags->get();
  Json list = Json::array();
  for (const KnownFlag& flag : known_flags())
    list.push_back(evaluation_json(flag, flags->ask(flag, context.value())));
  HttpReply reply = json_reply(200, {{"flags", list}});
  reply.headers["etag"] = etag_of(reply.body);
  reply.headers["cache-control"] = "no-cache";
  if (has_etag(header(request.http, "if-none-match"), reply.headers["etag"]))
    return {.status = 304, .headers = {{"etag", reply.headers["etag"]}, {"cache-control", "no-cache"}}};
  return reply;
}

}  // namespace jobwatchdog::routes
