// runninghub-queue-manager/status: all accounts and queues, for the service.
#include "native/serve/json_reply.hpp"
#include "native/serve/queue_totals.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply queue_status(const Services& services, const Request& /*request*/) {
  const DatabaseResult<QueueTotals> totals = queue_totals(services);
  if (!totals.ok()) return database_reply("counting slots", totals.error());
  const AccountTotals all = totals.value().sum();
  nlohmann::ordered_json accounts = nlohmann::ordered_json::array();
  for (const AccountTotals& account : totals.value().accounts)
    accounts.push_back({{"name", account.account},
                        {"running", account.running},
                        {"maxConcurrent", account.slots},
                        {"slotsAvailable", account.free()},
                        {"queued", account.queued}});
  return json_reply(200, {{"running", all.running},
                          {"maxConcurrent", all.slots},
                          {"slotsAvailable", all.free()},
                          {"totalQueued", all.queued},
                          {"accounts", accounts},
                          {"queuedByTool", totals.value().queued_by_tool}});
}

}  // namespace jobwatchdog::routes
