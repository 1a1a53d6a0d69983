// runninghub-queue-manager/process-next: the nodes start waiting jobs by themselves, so this wakes one and
// says how things stand.
#include "native/serve/json_reply.hpp"
#include "native/serve/queue_totals.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply queue_process_next(const Services& services, const Request& /*request*/) {
  services.wake();
  const DatabaseResult<QueueTotals> totals = queue_totals(services);
  if (!totals.ok()) return database_reply("counting slots", totals.error());
  const AccountTotals all = totals.value().sum();
  const char* reason = all.queued == 0   ? "queue_empty"
                       : all.free() == 0 ? "no_slots_available"
                                         : "being_started";
  return json_reply(200, {{"processed", false}, {"reason", reason}});
}

}  // namespace jobwatchdog::routes
