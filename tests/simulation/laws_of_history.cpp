// The laws of what happens: each change is looked at once, when it is new.
#include <algorithm>

#include "tests/simulation/laws.hpp"

namespace jobwatchdog::test {
namespace {

/// The least rest between two checks of one attempt, and how many may be closer: a webhook that rings while
/// an answer is recorded, a node that gives its lease back, a lease whose answer was lost.
constexpr Duration rest_min = milliseconds(1'900);
constexpr std::size_t leases_within_rest_max = 6;

std::string name_of(const JobKey& job) { return job.tool + " " + job.id; }

}  // namespace

void Laws::check_transitions(const LifeModel& model) {
  const auto& transitions = model.tables.transitions;
  for (; transitions_seen_ < transitions.size(); ++transitions_seen_) {
    const TransitionRow& row = transitions[transitions_seen_];
    const std::string detail = name_of(row.job) + " went from " + std::string{job_status_name(row.from)} +
                               " to " + std::string{job_status_name(row.to)};
    if (is_terminal(row.from)) throw LawBroken{"I5 a terminal state never changes", detail};
    if (!may_move(row.from, row.to)) throw LawBroken{"I5 a job moves as the table of moves says", detail};
  }
}

/// Whoever was claimed stood before all who still wait. Source: invariants.md I7.
void Laws::check_claims(const LifeModel& model) {
  for (; claims_seen_ < model.claimed.size(); ++claims_seen_) {
    const ClaimedPlace& claim = model.claimed[claims_seen_];
    for (const auto& [user, waiting] : model.tables.active) {
      if (waiting.account != claim.account || !waiting.queued_at) continue;
      if (std::pair{*waiting.queued_at, waiting.job} < std::pair{claim.queued_at, claim.job})
        throw LawBroken{"I7 first in, first out", name_of(claim.job) + " passed " + name_of(waiting.job)};
    }
  }
}

/// Only the provider's own end of the job's own task completes it; only that, or the deadline, fails it.
void Laws::check_endings(const LifeModel& model, const TrueTasks& tasks) {
  for (; endings_seen_ < model.endings.size(); ++endings_seen_) {
    const NodeEnding& ending = model.endings[endings_seen_];
    const std::string detail = name_of(ending.attempt.job) + ", task " + ending.task_id.value_or("unknown");
    if (!holds_slot(ending.from))
      throw LawBroken{"truth: a job that waits is not ended by what was seen before", detail};
    if (ending.attempt.attempt != model.tables.jobs.at(ending.attempt.job).attempt)
      throw LawBroken{"truth: a job does not end by what was seen of an attempt before", detail};
    if (!ending.task_has_ended) {
      if (ending.deadline_at > model.now)
        throw LawBroken{"truth: a job without an end fails at its deadline, not before", detail};
      continue;
    }
    const auto task = tasks.find(ending.task_id.value_or(""));
    if (task == tasks.end() || task->second.attempt != ending.attempt)
      throw LawBroken{"truth: a job ends by the end of its own task", detail};
    const bool has_ended = task->second.ends <= model.now;
    if (!has_ended || (ending.status == JobStatus::completed) != task->second.succeeds)
      throw LawBroken{"truth: a job ends as its task did", detail};
  }
}

void Laws::check_leases(const LifeModel& model) {
  for (; leases_seen_ < model.leases.size(); ++leases_seen_) {
    const CheckLease& lease = model.leases[leases_seen_];
    std::vector<Instant>& recent = leases_of_[lease.attempt];
    std::erase_if(recent, [&](Instant at) { return at + rest_min < lease.at; });
    recent.push_back(lease.at);
    if (recent.size() > leases_within_rest_max)
      throw LawBroken{"rest: webhooks cannot make checks follow each other without a rest",
                      name_of(lease.attempt.job)};
  }
}

}  // namespace jobwatchdog::test
