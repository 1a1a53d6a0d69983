// runninghub-queue-manager/check: is there room at the provider. Numbers only; never a key.
#include "native/serve/json_reply.hpp"
#include "native/serve/queue_totals.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply queue_check(const Services& services, const Request& /*request*/) {
  const DatabaseResult<QueueTotals> totals = queue_totals(services);
  if (!totals.ok()) return database_reply("counting slots", totals.error());
  const AccountTotals all = totals.value().sum();
  return json_reply(200, {{"available", all.free() > 0 && all.queued == 0},
                          {"running", all.running},
                          {"maxConcurrent", all.slots},
                          {"slotsAvailable", all.free()},
                          {"totalQueued", all.queued},
                          {"accountName", all.account}});
}

}  // namespace jobwatchdog::routes
