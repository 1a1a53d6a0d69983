// Telling one channel of a change. Source: protocols.md 4.3.
#include "native/serve/realtime/subscription.hpp"

#include <functional>

#include "native/json_text.hpp"
#include "native/serve/rest/rest_tables.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t heard_max = 1'000;

/// As Realtime names the types of columns.
std::string wire_type(std::string_view type) {
  if (type == "integer") return "int4";
  if (type == "boolean") return "bool";
  return std::string{type};
}

const std::string& columns_text() {
  static const std::string text = [] {
    nlohmann::json columns = nlohmann::json::array();
    for (const RestColumn& column : jobs_table().columns)
      columns.push_back({{"name", column.name}, {"type", wire_type(column.type)}});
    return json_line(columns);
  }();
  return text;
}

bool wants(const ChangeBinding& binding, const ChangedJob& job) {
  if (!binding.tool.empty() && binding.tool != job.tool) return false;
  if (!binding.job_id.empty() && binding.job_id != job.job_id) return false;
  if (!binding.user_id.empty() && binding.user_id != job.user_id) return false;
  return binding.event == "*" || binding.event == (job.is_new ? "INSERT" : "UPDATE");
}

}  // namespace

bool Subscription::has_expired(std::int64_t now_s) const {
  const auto expires_at = caller_.claims.find("exp");
  return expires_at != caller_.claims.end() && expires_at->is_number() &&
         expires_at->get<double>() < static_cast<double>(now_s);
}

/// A read that took longer than the next one brings an older row after a newer: it is dropped.
bool Subscription::is_news(const ChangedJob& job) {
  const std::size_t record_hash = std::hash<std::string>{}(job.record);
  const std::lock_guard lock{mutex_};
  if (heard_.size() > heard_max) heard_.clear();
  const auto [place, is_first] = heard_.try_emplace(job.job_id);
  Heard& heard = place->second;
  if (!is_first && job.updated_at < heard.updated_at) return false;
  if (!is_first && job.updated_at == heard.updated_at && record_hash == heard.record_hash) return false;
  heard = {job.updated_at, record_hash};
  return true;
}

void Subscription::deliver(const ChangedJob& job, const std::string& now_text) {
  nlohmann::json ids = nlohmann::json::array();
  std::string table;
  for (const ChangeBinding& binding : bindings_) {
    if (!wants(binding, job)) continue;
    ids.push_back(binding.id);
    table = binding.table;
  }
  if (ids.empty() || !may_see(job) || !is_news(job)) return;
  const std::string old_record = job.is_new ? "{}" : json_line({{"id", job.job_id}});
  const std::string payload = R"({"ids":)" + json_line(ids) + R"(,"data":{"schema":"public","table":)" +
                              json_line(table) + R"(,"commit_timestamp":)" + json_line(now_text) +
                              R"(,"type":)" + (job.is_new ? R"("INSERT")" : R"("UPDATE")") +
                              R"(,"columns":)" + columns_text() + R"(,"record":)" + job.record +
                              R"(,"old_record":)" + old_record + R"(,"errors":null}})";
  sender_->send(std::make_shared<const std::string>(
      phoenix_text({nullptr, nullptr, topic_, "postgres_changes", {}}, payload, version_)));
}

}  // namespace jobwatchdog
