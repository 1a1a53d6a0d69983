// What people do to their jobs, and what all functions of the model share.
#include "tests/simulation/life_model.hpp"

#include <algorithm>

namespace jobwatchdog::test {

AttemptKey attempt_key(const Json& row) {
  return {{row.at("tool").get<std::string>(), row.at("job_id").get<std::string>()},
          row.at("attempt").get<int>()};
}

MaybeText text_at(const Json& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() || found->is_null() ? std::nullopt : std::optional{found->get<std::string>()};
}

void LifeModel::move_to(const JobKey& key, JobRow& job, JobStatus status) {
  if (job.status != status) tables.transitions.push_back({key, job.status, status, now});
  job.status = status;
  ++version;
}

void LifeModel::free_slot(SlotRow& slot) {
  slot = {.changed_at = now};
  ++version;
}

SlotRow* LifeModel::slot_of(const AttemptKey& attempt) {
  for (auto& [place, slot] : tables.slots) {
    if (slot.holder == attempt) return &slot;
  }
  return nullptr;
}

ActiveRow* LifeModel::active_of(const AttemptKey& attempt) {
  for (auto& [user, active] : tables.active) {
    if (active.job == attempt.job && active.attempt == attempt.attempt) return &active;
  }
  return nullptr;
}

Attempt LifeModel::attempt_of(const AttemptKey& attempt, const std::string& account) const {
  return {attempt.job.tool, tables.tools.at(attempt.job.tool).table_name, attempt.job.id, attempt.attempt,
          account};
}

bool LifeModel::is_paused(const std::string& account) const {
  const auto known = tables.accounts.find(account);
  return known != tables.accounts.end() && known->second.submits_paused_until > now;
}

const LedgerRow* LifeModel::ledger_entry(const JobKey& key, bool is_refund) const {
  const auto found = std::find_if(tables.ledger.begin(), tables.ledger.end(), [&](const LedgerRow& row) {
    return row.job == key && row.is_refund == is_refund;
  });
  return found == tables.ledger.end() ? nullptr : &*found;
}

TurnOutcome LifeModel::save(const TurnRecords& records, const LeaseHolder& holder) {
  TurnOutcome outcome;
  outcome.submissions_became =
      record_submissions(holder.owner, records.submissions, holder.first_check_after);
  outcome.settled = settle_attempts(records.settlements);
  record_checks(holder.owner, records.checks);
  outcome.ended_tasks_became = record_ended_tasks(records.ended_tasks);
  outcome.repaired_count = record_webhook_repairs(records.repairs);
  for (const ClaimWish& wish : records.claims) {
    for (ClaimedJob& job : claim_next_jobs(wish.account, holder.owner, wish.tokens, holder.lease))
      outcome.claimed.push_back(std::move(job));
  }
  if (records.leases_wanted > 0)
    outcome.leased = lease_due_checks(holder.owner, records.leases_wanted, holder.lease);
  return outcome;
}

void LifeModel::create_job(const JobKey& job, const std::string& user, int cost, bool payload_is_sound) {
  tables.jobs[job] = {.user = user, .payload_is_sound = payload_is_sound, .cost = cost, .created_at = now};
  ++version;
}

std::string LifeModel::start_job(const JobKey& key, const std::string& user) {
  const auto found = tables.jobs.find(key);
  if (found == tables.jobs.end() || found->second.user != user) return "not_found";
  JobRow& job = found->second;
  if (job.status != JobStatus::pending) return "not_pending";
  if (!job.payload_is_sound) return "invalid";
  const Tables& looked_up = mutant_ == Mutant::user_looked_up && seen ? *seen : tables;
  if (looked_up.active.contains(user)) return "user_is_active";
  const int charged = job.charged ? 0 : job.cost;
  if (charged > 0) {
    const auto credits = tables.balances.find(user);
    if (credits == tables.balances.end() || credits->second.balance < charged) return "insufficient_credits";
    credits->second.balance -= charged;
    tables.ledger.push_back({key, false, user, -charged});
  }
  const std::string& account = tables.tools.at(key.tool).account;
  tables.active[user] = {.job = key,
                         .attempt = job.attempt,
                         .account = account,
                         .admitted_at = now,
                         .next_check_at = now,
                         .queued_at = now};
  job.queued_at = now;
  job.account = account;
  job.charged = job.charged || charged > 0;
  move_to(key, job, JobStatus::queued);
  return "queued";
}

bool LifeModel::cancel_job(const JobKey& key, bool as_admin) {
  const std::string words = as_admin ? "Cancelled by an administrator" : "Cancelled by the user";
  if (!tables.jobs.contains(key)) return false;
  if (settle_locked_jobs({{.job = key, .error_message = words}}, JobStatus::cancelled, false).empty())
    return false;
  tables.evidence.push_back({key, "cancelled"});
  return true;
}

bool LifeModel::fail_pending_job(const JobKey& key, const std::string& error_message) {
  const auto found = tables.jobs.find(key);
  if (found == tables.jobs.end() || found->second.status != JobStatus::pending) return false;
  return !settle_locked_jobs({{.job = key, .error_message = error_message}}, JobStatus::failed, false)
              .empty();
}

std::optional<int> LifeModel::queue_position(const JobKey& key) const {
  const auto place = [](const ActiveRow& row) { return std::pair{*row.queued_at, row.job}; };
  for (const auto& [user, own] : tables.active) {
    if (own.job != key || !own.queued_at) continue;
    return static_cast<int>(std::count_if(tables.active.begin(), tables.active.end(), [&](const auto& ahead) {
      const ActiveRow& row = ahead.second;
      return row.account == own.account && row.queued_at && place(row) <= place(own);
    }));
  }
  return std::nullopt;
}

}  // namespace jobwatchdog::test
