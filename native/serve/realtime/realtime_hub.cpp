// From news to changes.
#include "native/serve/realtime/realtime_hub.hpp"

#include <algorithm>

#include "native/json_text.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t read_at_once_max = 500;

constexpr const char* read_sql = R"sql(
SELECT job.tool, known.table_name, job.id AS job_id, job.user_id, job.updated_at, to_json(job)::text AS record,
       to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS now
  FROM jsonb_to_recordset($1::jsonb) AS asked (tool text, job_id uuid)
  JOIN watchdog.tools AS known ON known.tool = asked.tool
 CROSS JOIN LATERAL (SELECT own.* FROM public.ai_jobs AS own WHERE own.tool = asked.tool AND own.id = asked.job_id LIMIT 1) AS job)sql";

bool names_jobs(const Subscription& subscription) {
  return std::all_of(subscription.bindings().begin(), subscription.bindings().end(),
                     [](const ChangeBinding& binding) { return !binding.job_id.empty(); });
}

std::vector<JobNewsItem> named_jobs(const Subscription& subscription) {
  std::vector<JobNewsItem> items;
  for (const ChangeBinding& binding : subscription.bindings()) {
    if (!binding.job_id.empty() && !binding.tool.empty())
      items.push_back({binding.tool, binding.job_id, false});
  }
  return items;
}

}  // namespace

void RealtimeHub::add(const std::shared_ptr<Subscription>& subscription) {
  const std::lock_guard lock{mutex_};
  if (!names_jobs(*subscription)) {
    broad_.insert(subscription);
    return;
  }
  for (const ChangeBinding& binding : subscription->bindings()) by_job_[binding.job_id].insert(subscription);
}

void RealtimeHub::remove(const std::shared_ptr<Subscription>& subscription) {
  const std::lock_guard lock{mutex_};
  broad_.erase(subscription);
  for (const ChangeBinding& binding : subscription->bindings()) {
    const auto found = by_job_.find(binding.job_id);
    if (found == by_job_.end()) continue;
    found->second.erase(subscription);
    if (found->second.empty()) by_job_.erase(found);
  }
}

std::size_t RealtimeHub::size() {
  const std::lock_guard lock{mutex_};
  return by_job_.size() + broad_.size();
}

std::vector<ChangedJob> RealtimeHub::read(const std::vector<JobNewsItem>& items, std::string& now_text) {
  nlohmann::json asked = nlohmann::json::array();
  std::map<Key, bool> is_new;
  for (const JobNewsItem& item : items) {
    asked.push_back({{"tool", item.tool}, {"job_id", item.job_id}});
    is_new[{item.tool, item.job_id}] = item.is_new;
  }
  const DatabaseResult<Rows> rows = connections_->query(read_sql, {json_line(asked)}, {.read_only = true});
  if (!rows.ok()) {
    log(LogLevel::warning, "realtime: jobs could not be read: " + error_text(rows.error()));
    return {};
  }
  std::vector<ChangedJob> jobs;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    const Rows& row = rows.value();
    now_text = row.text(i, "now");
    jobs.push_back({row.text(i, "tool"), row.text(i, "table_name"), row.text(i, "job_id"),
                    row.text(i, "user_id"), row.text(i, "updated_at"), row.text(i, "record"),
                    is_new[{row.text(i, "tool"), row.text(i, "job_id")}]});
  }
  return jobs;
}

RealtimeHub::Subscriptions RealtimeHub::who_wants(const ChangedJob& job) {
  const std::lock_guard lock{mutex_};
  Subscriptions all = broad_;
  const auto found = by_job_.find(job.job_id);
  if (found != by_job_.end()) all.insert(found->second.begin(), found->second.end());
  return all;
}

void RealtimeHub::hear(const std::vector<JobNewsItem>& news) {
  std::vector<JobNewsItem> wanted;
  {
    const std::lock_guard lock{mutex_};
    for (const JobNewsItem& item : news) {
      if (!broad_.empty() || by_job_.contains(item.job_id)) wanted.push_back(item);
    }
  }
  for (std::size_t begin = 0; begin < wanted.size(); begin += read_at_once_max) {
    const auto first = wanted.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last =
        wanted.begin() + static_cast<std::ptrdiff_t>(std::min(begin + read_at_once_max, wanted.size()));
    std::string now_text;
    for (const ChangedJob& job : read({first, last}, now_text)) {
      for (const auto& subscription : who_wants(job)) subscription->deliver(job, now_text);
    }
  }
}

void RealtimeHub::hear_of_everything() {
  std::vector<JobNewsItem> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [job_id, subscriptions] : by_job_) {
      for (const JobNewsItem& item : named_jobs(**subscriptions.begin())) all.push_back(item);
    }
  }
  hear(all);
}

void RealtimeHub::catch_up(const std::shared_ptr<Subscription>& subscription) {
  const std::vector<JobNewsItem> items = named_jobs(*subscription);
  if (items.empty()) return;
  std::string now_text;
  for (const ChangedJob& job : read(items, now_text)) subscription->deliver(job, now_text);
}

}  // namespace jobwatchdog
