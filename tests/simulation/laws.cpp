// The laws of every committed state. Source: sql/audit.sql; invariants.md section 1.
#include "tests/simulation/laws.hpp"

#include <algorithm>

namespace jobwatchdog::test {
namespace {

std::string name_of(const JobKey& job) { return job.tool + " " + job.id; }
std::string name_of(const AttemptKey& attempt) {
  return name_of(attempt.job) + " attempt " + std::to_string(attempt.attempt);
}
std::string word(JobStatus status) { return std::string{job_status_name(status)}; }

/// `detail` tells whose law it is; asked only when it is broken, because worlds are looked at often.
template <typename Detail>
void expect(bool holds, const char* law, const Detail& detail) {
  if (!holds) throw LawBroken{law, detail()};
}

const SlotRow* slot_of(const Tables& tables, const JobKey& job) {
  for (const auto& [place, slot] : tables.slots) {
    if (slot.holder && slot.holder->job == job) return &slot;
  }
  return nullptr;
}

/// A job waits in the queue or holds a slot; nobody else does.
void check_admission(const Tables& tables) {
  for (const auto& [user, active] : tables.active) {
    const JobRow& job = tables.jobs.at(active.job);
    const bool is_admitted = job.status == JobStatus::queued || holds_slot(job.status);
    expect(is_admitted && job.user == user && job.attempt == active.attempt,
           "I1 an admitted job is active and of the same user and attempt",
           [&] { return name_of(active.job); });
    const SlotRow* slot = slot_of(tables, active.job);
    expect((job.status == JobStatus::queued) == active.queued_at.has_value() &&
               holds_slot(job.status) == (slot != nullptr),
           "I1 a job waits in the queue or holds a slot",
           [&] { return name_of(active.job) + " is " + word(job.status); });
  }
  for (const auto& [place, slot] : tables.slots) {
    if (slot.state != SlotState::taken) continue;
    const JobRow& job = tables.jobs.at(slot.holder->job);
    expect(holds_slot(job.status) && job.attempt == slot.holder->attempt,
           "I1 a taken slot holds a job that starts or runs",
           [&] { return name_of(*slot.holder) + " is " + word(job.status); });
  }
}

void check_users(const Tables& tables) {
  std::map<std::string, int> active_count;
  for (const auto& [key, job] : tables.jobs) {
    if (job.status != JobStatus::queued && !holds_slot(job.status)) continue;
    expect(++active_count[job.user] == 1, "I2 a user has one active job", [&] { return job.user; });
  }
  for (const auto& [key, job] : tables.jobs) {
    if (job.status != JobStatus::queued && !holds_slot(job.status)) continue;
    const auto active = tables.active.find(job.user);
    expect(active != tables.active.end() && active->second.job == key, "I1 an active job is admitted",
           [&] { return name_of(key); });
  }
}

void check_money(const Tables& tables) {
  std::map<std::string, int> sums;
  std::map<JobKey, std::pair<const LedgerRow*, const LedgerRow*>> entries;  // Charge and refund.
  for (const LedgerRow& row : tables.ledger) {
    sums[row.user] += row.amount;
    auto& [charge, refund] = entries[row.job];
    const LedgerRow*& same = row.is_refund ? refund : charge;
    expect(same == nullptr, row.is_refund ? "I3 a job has one refund" : "I3 a job is charged once",
           [&] { return name_of(row.job); });
    same = &row;
  }
  for (const auto& [key, entry] : entries) {
    const auto& [charge, refund] = entry;
    expect(refund == nullptr ||
               (charge != nullptr && refund->amount == -charge->amount && refund->user == charge->user),
           "I3 a refund equals its charge", [&] { return name_of(key); });
    const JobRow& job = tables.jobs.at(key);
    const bool is_owed = job.status == JobStatus::failed || job.status == JobStatus::cancelled;
    expect((refund != nullptr) == is_owed,
           "I4 a charged job has a refund if and only if it failed or was cancelled",
           [&] { return name_of(key) + " is " + word(job.status); });
    expect(job.refunded == (refund != nullptr), "I4 the refunded flag of a job and the ledger agree",
           [&] { return name_of(key); });
  }
  for (const auto& [user, row] : tables.balances)
    expect(row.balance == row.opening + sums[user], "I6 a balance is its opening plus the ledger",
           [&] { return user; });
}

void check_evidence(const Tables& tables) {
  std::map<JobKey, const EvidenceRow*> seen;
  for (const EvidenceRow& row : tables.evidence) {
    const bool is_first = seen.emplace(row.job, &row).second;
    const std::string status = word(tables.jobs.at(row.job).status);
    expect(is_first && row.status == status,
           "I5 a job is still what the evidence says it ended as, and ended once",
           [&] { return name_of(row.job) + " is " + status + ", by the evidence " + row.status; });
  }
}

bool is_held_or_noted(const Tables& tables, const AttemptKey& attempt) {
  const SlotRow* slot = slot_of(tables, attempt.job);
  return (slot != nullptr && slot->holder->attempt == attempt.attempt) || tables.orphans.contains(attempt);
}

void check_chases(const Tables& tables, Instant now) {
  for (const auto& [attempt, submission] : tables.submissions) {
    const JobStatus status = tables.jobs.at(attempt.job).status;
    const bool may_have_task =
        submission.outcome == "open" || submission.outcome == "unknown" || submission.outcome == "accepted";
    if ((status != JobStatus::failed && status != JobStatus::cancelled) || !may_have_task ||
        submission.task_ended_at)
      continue;
    expect(is_held_or_noted(tables, attempt),
           "I9 a task that outlives its job is chased until its end is confirmed",
           [&] { return name_of(attempt); });
  }
  for (const auto& [place, slot] : tables.slots) {
    if (slot.state != SlotState::cancelling) continue;
    expect(slot.deadline_at && *slot.deadline_at + minutes(15) >= now,
           "I8 a slot is not held for a cancelled job after its deadline",
           [&] { return name_of(*slot.holder); });
  }
}

/// What really runs at the provider holds a slot, or is known to have outlived it.
void check_capacity(const LifeModel& model, const TrueTasks& tasks) {
  std::map<std::string, int> running;
  for (const auto& [task_id, task] : tasks) {
    if (task.ends <= model.now) continue;
    expect(is_held_or_noted(model.tables, task.attempt),
           "I9 a running task holds a slot or is noted as an orphan",
           [&] { return name_of(task.attempt) + ", task " + task_id; });
    if (!model.tables.orphans.contains(task.attempt)) ++running[task.account];
  }
  for (const auto& [account, count] : running) {
    const auto slots = std::count_if(model.tables.slots.begin(), model.tables.slots.end(),
                                     [&](const auto& slot) { return slot.first.first == account; });
    expect(count <= slots, "I1 no more tasks run than the account has slots",
           [&] { return account + " runs " + std::to_string(count); });
  }
}

/// Until when nobody needs to worry about a job.
std::optional<Instant> patience_of(const Tables& tables, const JobKey& key, const JobRow& job) {
  const ToolRow& tool = tables.tools.at(key.tool);
  if (job.status == JobStatus::queued) return *job.queued_at + tool.queued_stale_after;
  if (holds_slot(job.status)) return *job.started_at + tool.hard_deadline_after;
  return std::nullopt;
}

}  // namespace

bool is_named_truly(const AttemptKey& attempt, const OrphanRow& orphan, const TrueTasks& tasks) {
  const auto task = tasks.find(orphan.task_id.value_or(""));
  return task != tasks.end() && task->second.attempt == attempt;
}

void Laws::check(const LifeModel& model, const TrueTasks& tasks) {
  check_transitions(model);
  check_users(model.tables);
  check_admission(model.tables);
  check_money(model.tables);
  check_evidence(model.tables);
  check_claims(model);
  check_endings(model, tasks);
  check_leases(model);
  check_chases(model.tables, model.now);
  check_capacity(model, tasks);
}

void Laws::check_liveness(const LifeModel& model, Instant calm_since, Duration sweep_period) const {
  const Tables& tables = model.tables;
  const Duration grace = sweep_period + seconds(30);
  for (const auto& [key, job] : tables.jobs) {
    const std::optional<Instant> limit = patience_of(tables, key, job);
    expect(!limit || model.now <= std::max(calm_since, *limit) + grace,
           "I8 a job ends by its deadline plus one sweep",
           [&] { return name_of(key) + " is " + word(job.status); });
  }
  for (const auto& [place, slot] : tables.slots) {
    expect(
        slot.state != SlotState::cancelling || model.now <= std::max(calm_since, *slot.deadline_at) + grace,
        "I8 a slot is free by its deadline plus one sweep",
        [&] { return place.first + " " + std::to_string(place.second); });
  }
  for (const auto& [attempt, orphan] : tables.orphans) {
    const bool is_chased =
        !orphan.task_id || orphan.ended_at || orphan.next_check_at <= model.now + minutes(61);
    expect(is_chased, "I9 an orphan is chased", [&] { return name_of(attempt); });
  }
  for (const AccountToServe& idle : model.accounts_to_serve()) {
    for (const auto& [user, active] : tables.active) {
      if (active.account != idle.account || !active.queued_at) continue;
      Instant since = std::max(calm_since, *active.queued_at);
      for (const auto& [place, slot] : tables.slots) {
        if (place.first == idle.account && slot.state == SlotState::free)
          since = std::max(since, slot.changed_at);
      }
      const auto account = tables.accounts.find(idle.account);
      if (account != tables.accounts.end())
        since = std::max(since, account->second.submits_paused_until.value_or(since));
      expect(model.now <= since + minutes(2), "I10 no slot stays free while a job waits",
             [&] { return name_of(active.job); });
    }
  }
}

void Laws::check_end(const LifeModel& model, const TrueTasks& tasks) {
  for (const auto& [key, job] : model.tables.jobs)
    expect(is_terminal(job.status), "I8 every job has ended",
           [&] { return name_of(key) + " is " + word(job.status); });
  for (const auto& [place, slot] : model.tables.slots)
    expect(slot.state == SlotState::free, "I8 every slot is free",
           [&] { return place.first + " " + std::to_string(place.second); });
  for (const auto& [attempt, orphan] : model.tables.orphans)
    expect(!is_named_truly(attempt, orphan, tasks) || orphan.ended_at,
           "I9 the end of every known orphan is confirmed", [&] { return name_of(attempt); });
}

void Laws::check_bell(const LifeModel& model, const std::string& token) {
  for (const auto& [attempt, submission] : model.tables.submissions) {
    if (submission.token != token) continue;
    for (const auto& [user, active] : model.tables.active) {
      if (active.job != attempt.job || active.attempt != attempt.attempt || active.queued_at) continue;
      const bool rang = active.rung_at == model.now && active.next_check_at <= model.now + seconds(2);
      expect(rang, "bell: a webhook with the token of a job at work rings for a check",
             [&] { return name_of(attempt); });
    }
  }
}

void Laws::check_submit(const LifeModel& model, const std::string& token) {
  const bool is_claimed = std::any_of(model.tables.submissions.begin(), model.tables.submissions.end(),
                                      [&](const auto& row) { return row.second.token == token; });
  expect(is_claimed, "submit: an attempt is committed before the provider is called", [&] { return token; });
  expect(++submits_of_[token] == 1, "submit: an attempt is submitted once, in doubt or not",
         [&] { return token; });
}

}  // namespace jobwatchdog::test
