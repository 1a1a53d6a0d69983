// POST /rest/v1/rpc/FUNCTION: a public function under the caller's role. Its own guards and its grants
// decide.
#include "native/serve/json_reply.hpp"
#include "native/serve/rest/rest_reply.hpp"
#include "native/serve/rest/rest_tables.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

struct Call {
  std::string arguments;  ///< "p_job_id => $1::uuid, ..."
  std::vector<Text> parameters;
};

Text text_of(const nlohmann::json& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.get<std::string>() : value.dump();
}

HttpReply no_such_function(const std::string& name) {
  return rest_error(
      404, "PGRST202",
      "Could not find the function public." + name + " with these parameters in the schema cache");
}

/// Nothing when an argument is unknown or missing: then it is another function that is asked for.
std::optional<Call> call_of(const RestFunction& function, const nlohmann::json& body) {
  Call call;
  for (std::size_t i = 0; i < function.arguments.size(); ++i) {
    const RestColumn& argument = function.arguments[i];
    const auto given = body.find(std::string{argument.name});
    if (given == body.end() && i < function.required_count) return std::nullopt;
    if (given == body.end()) continue;
    call.parameters.push_back(text_of(*given));
    call.arguments += (call.arguments.empty() ? "" : ", ") + std::string{argument.name} + " => $" +
                      std::to_string(call.parameters.size()) + "::" + std::string{argument.type};
  }
  return call.parameters.size() == body.size() ? std::optional{call} : std::nullopt;
}

}  // namespace

HttpReply rest_rpc(const Services& services, const Request& request) {
  if (auto refusal = refuse_profile(request)) return *refusal;
  const std::string& name = request.wildcards.front();
  const RestFunction* function = find_rest_function(name);
  if (function == nullptr || !request.body.is_object()) return no_such_function(name);
  const std::optional<Call> call = call_of(*function, request.body);
  if (!call) return no_such_function(name);
  const DatabaseResult<Rows> rows = services.connections->query_once(
      "SELECT to_json(answer) AS row FROM public." + std::string{function->name} + "(" + call->arguments +
          ") AS answer",
      call->parameters, {.caller = &request.session});
  if (!rows.ok()) return rest_database_error(request, rows.error());
  std::vector<std::string> objects;
  for (std::size_t i = 0; i < rows.value().size(); ++i) objects.push_back(rows.value().text(i, "row"));
  if (function->gives_rows) return rest_rows(request, 200, objects);
  HttpReply reply = json_reply(200, nullptr);
  reply.body = objects.empty() ? "null" : objects.front();
  return reply;
}

}  // namespace jobwatchdog::routes
