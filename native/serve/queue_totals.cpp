// Counting slots and waiting jobs.
#include "native/serve/queue_totals.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* totals_sql = R"sql(
SELECT 'account' AS kind, slot.account AS name, count(*) AS slots, count(*) FILTER (WHERE slot.state <> 'free') AS running,
       (SELECT count(*) FROM watchdog.active_jobs AS active WHERE active.account = slot.account AND active.queued_at IS NOT NULL) AS queued
  FROM watchdog.provider_slots AS slot GROUP BY slot.account
UNION ALL
SELECT 'tool', known.tool, 0, 0, count(active.job_id)
  FROM watchdog.tools AS known LEFT JOIN watchdog.active_jobs AS active ON active.tool = known.tool AND active.queued_at IS NOT NULL
 GROUP BY known.tool
 ORDER BY kind, name)sql";

}  // namespace

AccountTotals QueueTotals::sum() const {
  AccountTotals all{.account = accounts.empty() ? "" : accounts.front().account};
  for (const AccountTotals& account : accounts) {
    all.running += account.running;
    all.slots += account.slots;
    all.queued += account.queued;
  }
  return all;
}

DatabaseResult<QueueTotals> queue_totals(const Services& services) {
  const DatabaseResult<Rows> rows = services.connections->query(totals_sql, {}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  QueueTotals totals;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    const std::string name = rows.value().text(i, "name");
    const std::int64_t queued = rows.value().integer(i, "queued");
    if (rows.value().text(i, "kind") == "account") {
      totals.accounts.push_back(
          {name, rows.value().integer(i, "running"), rows.value().integer(i, "slots"), queued});
    } else {
      totals.queued_by_tool[name] = queued;
    }
  }
  return totals;
}

}  // namespace jobwatchdog
