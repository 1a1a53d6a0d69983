// What a node did, in words.
#include "native/life/reconcile_report.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

struct Line {
  const char* name;  ///< In JSON.
  const char* words;
  std::int64_t ReconcileCounts::*count;
};

constexpr Line lines[] = {
    {"submitted", "jobs started at the provider", &ReconcileCounts::submitted},
    {"sent_back", "jobs sent back to the queue: no capacity", &ReconcileCounts::sent_back},
    {"refused", "jobs refused by the provider, failed and refunded", &ReconcileCounts::refused},
    {"in_doubt", "submits whose answer was lost, held", &ReconcileCounts::in_doubt},
    {"checks", "answers about jobs at work", &ReconcileCounts::checks},
    {"unknown", "of these without a usable answer", &ReconcileCounts::unknown},
    {"completed", "jobs completed", &ReconcileCounts::completed},
    {"failed", "jobs failed", &ReconcileCounts::failed},
    {"overdue", "of these at their hard deadline", &ReconcileCounts::overdue},
    {"refunded_credits", "credits given back", &ReconcileCounts::refunded_credits},
    {"cancels", "cancels sent to the provider", &ReconcileCounts::cancels},
    {"ended_tasks", "tasks of ended jobs confirmed as ended", &ReconcileCounts::ended_tasks},
    {"late_results", "of these with a late result, kept beside the outcome", &ReconcileCounts::late_results},
    {"webhooks_repaired", "lost webhooks repaired", &ReconcileCounts::webhooks_repaired},
};

}  // namespace

nlohmann::ordered_json reconcile_json(const ReconcileCounts& counts) {
  nlohmann::ordered_json json;
  for (const Line& line : lines) json[line.name] = counts.*line.count;
  return json;
}

std::string reconcile_text(const ReconcileCounts& counts) {
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    if (counts.*line.count != 0) rows.push_back({grouped(counts.*line.count), line.words});
  }
  return rows.empty() ? "nothing was due\n" : terminal_table({"count", "what"}, rows) + "\n";
}

}  // namespace jobwatchdog
