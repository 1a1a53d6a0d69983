// feature-flags: GET tells the flags for the caller, POST {name, definition | null, reason, expectedVersion?}
// sets one.
#include "native/flag_change.hpp"
#include "native/flag_json.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

using Json = nlohmann::ordered_json;

HttpReply refused(const Problem& problem) {
  return json_reply(400, {{"error", problem.where + ": " + problem.what}, {"mend", problem.mend}});
}

Json state_json(const KnownFlag& flag, const Rows& rows) {
  const Text definition = rows.at(0, "definition");
  return {{"key", flag.name},
          {"definition", definition ? Json(*definition) : Json()},
          {"version", rows.integer(0, "version")},
          {"updatedAt", rows.text(0, "updated_at")},
          {"updatedBy", rows.text(0, "updated_by")}};
}

}  // namespace

HttpReply feature_flags_get(const Services& services, const Request& request) {
  const std::shared_ptr<const Flags> flags = services.flags->get();
  Json told = Json::object();
  for (const KnownFlag& flag : known_flags()) {
    const FlagAnswer answer = flags->ask(flag, {request.caller.user_id, "", ""});
    Json one = flag_json(flag, answer);
    one["source"] = flag_source_name(answer.source);
    told[std::string{flag.name}] = one;
  }
  return json_reply(200, {{"flags", told}});
}

HttpReply feature_flags_set(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  FlagChange change{.name = reader.text("name"),
                    .definition = reader.text_or_none("definition", 16'384),
                    .reason = reader.text("reason", 1'000),
                    .expected_version = reader.integer_or_none("expectedVersion")};
  if (reader.problem()) return error_reply(400, *reader.problem());
  change.unset = change.definition.empty();
  const KnownFlag* flag = find_flag(change.name);
  if (flag == nullptr) return error_reply(404, "There is no such flag");
  if (auto problem = problem_of_change(*flag, change)) return refused(*problem);
  services.flags->forget();
  const std::vector<Problem> problems =
      problems_together(*flag, change, *services.flags->get(), services.flags->configuration().policy);
  if (!problems.empty()) return refused(problems.front());
  // The administrator was looked up already; the history names the user.
  SessionSettings author = request.session;
  author.role = "service_role";
  const DatabaseResult<Rows> rows = services.connections->query_once(
      set_flag_sql, parameters_of_change(*flag, change), {.caller = &author});
  if (!rows.ok()) return database_reply("setting a flag", rows.error());
  services.flags->forget();
  Json state = state_json(*flag, rows.value());
  if (rows.value().boolean(0, "is_set")) return json_reply(200, state);
  state["error"] = "The flag was changed by somebody else";
  return json_reply(409, state);
}

}  // namespace jobwatchdog::routes
