// /healthz, /readyz, /version: whether the process lives, whether it can serve, what it is.

#include "native/migrations.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"
#include "native/wall_clock.hpp"

namespace jobwatchdog::routes {

HttpReply healthz(const Services& /*services*/, const Request& /*request*/) { return text_reply(200, "ok"); }

HttpReply readyz(const Services& services, const Request& /*request*/) {
  const std::shared_ptr<IssuerKeys>& keys = services.access.issuer_keys;
  if (keys && !keys->have_arrived(wall_clock_ms()))
    return error_reply(503, "The keys of WATCHDOG_JWKS_URL have not arrived: no user can be believed yet");
  return services.connections->lend<HttpReply>(
      [](Connection& connection) {
        const DatabaseResult<SchemaState> schema = read_schema_state(connection);
        if (!schema.ok()) return database_reply("asking whether the schema fits", schema.error());
        if (!schema.value().has_managed || schema.value().newer_is_breaking)
          return error_reply(503, "The schema is out of date: run `jobwatchdog migrate`");
        return json_reply(200, {{"ready", true}});
      },
      [](const DatabaseError& error) {
        return database_reply("asking whether the database answers", error);
      });
}

HttpReply version(const Services& /*services*/, const Request& /*request*/) {
  return json_reply(200, {{"name", "jobwatchdog"}, {"version", JOBWATCHDOG_VERSION}});
}

}  // namespace jobwatchdog::routes
