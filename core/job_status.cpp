// The table of moves between the states of a job.
#include "core/job_status.hpp"

#include "core/require.hpp"

namespace jobwatchdog {
namespace {

struct StatusRow {
  JobStatus status;
  std::string_view name;
  bool active;
  bool slot;
  std::array<bool, 7> may_move_to;  ///< In the order of `all_job_statuses`.
};

constexpr bool X = true;
constexpr bool o = false;

// clang-format off
constexpr std::array<StatusRow, 7> status_table{{
    //                                        active slot  pend queu star runn comp fail canc
    {JobStatus::pending,   "pending",   X, o, {o,   X,   X,   o,   o,   X,   X}},
    {JobStatus::queued,    "queued",    X, o, {o,   o,   X,   o,   o,   X,   X}},
    {JobStatus::starting,  "starting",  X, X, {o,   X,   o,   X,   o,   X,   X}},
    {JobStatus::running,   "running",   X, X, {o,   o,   o,   o,   X,   X,   X}},
    {JobStatus::completed, "completed", o, o, {o,   o,   o,   o,   o,   o,   o}},
    {JobStatus::failed,    "failed",    o, o, {o,   o,   o,   o,   o,   o,   o}},
    {JobStatus::cancelled, "cancelled", o, o, {o,   o,   o,   o,   o,   o,   o}},
}};
// clang-format on

const StatusRow& row_of(JobStatus status) {
  const auto index = static_cast<std::size_t>(status);
  require(index < status_table.size(), "a JobStatus is one of the seven");
  return status_table[index];
}

}  // namespace

std::string_view job_status_name(JobStatus status) { return row_of(status).name; }

std::optional<JobStatus> job_status_of(std::string_view name) {
  for (const StatusRow& row : status_table) {
    if (row.name == name) return row.status;
  }
  return std::nullopt;
}

bool is_active(JobStatus status) { return row_of(status).active; }
bool holds_slot(JobStatus status) { return row_of(status).slot; }
bool is_terminal(JobStatus status) { return !row_of(status).active; }

bool may_move(JobStatus from, JobStatus to) {
  row_of(to);
  return row_of(from).may_move_to[static_cast<std::size_t>(to)];
}

}  // namespace jobwatchdog
