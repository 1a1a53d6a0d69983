// The settlement of the model: settle_locked_jobs and those who call it.
#include <algorithm>

#include "tests/simulation/life_model.hpp"

namespace jobwatchdog::test {

void LifeModel::give_back(const JobKey& key, const std::string& user, int amount) {
  tables.ledger.push_back({key, true, user, amount});
  tables.balances[user].balance += amount;
}

/// Of a job that has just been settled without a result.
void LifeModel::pay_refund(const JobKey& key, const JobRow& job) {
  const LedgerRow* charge = ledger_entry(key, false);
  const int due = charge != nullptr ? -charge->amount : job.charged ? job.cost : 0;
  if (due <= 0 || ledger_entry(key, true) != nullptr) return;
  give_back(key, job.user, due);
  tables.jobs.at(key).refunded = true;
}

/// What mutants pay: by what was read before, or whoever was named, and without the ledger's key.
void LifeModel::pay_by_mistake(const std::vector<Settling>& wanted, JobStatus status) {
  if (status == JobStatus::completed) return;
  const Tables& read = mutant_ == Mutant::refund_by_flag && seen ? *seen : tables;
  for (const Settling& one : wanted) {
    const auto job = read.jobs.find(one.job);
    if (job == read.jobs.end() || !job->second.charged || job->second.cost == 0) continue;
    const bool is_due = mutant_ == Mutant::refund_by_flag
                            ? !job->second.refunded && !is_terminal(job->second.status)
                            : one.attempt.value_or(job->second.attempt) == job->second.attempt;
    if (!is_due) continue;
    give_back(one.job, job->second.user, job->second.cost);
    tables.jobs.at(one.job).refunded = true;
    ++version;
  }
}

/// The user is free at once. The provider may still work: it says when the slot is free, or the deadline
/// does.
void LifeModel::release(const JobKey& key, JobStatus status, bool task_has_ended) {
  for (auto& [place, slot] : tables.slots) {
    if (!slot.holder || slot.holder->job != key) continue;
    if (status == JobStatus::completed || task_has_ended || mutant_ == Mutant::slot_freed_at_cancel) {
      free_slot(slot);
      continue;
    }
    slot.state = SlotState::cancelling;
    slot.changed_at = now;
    slot.next_check_at = now;
    slot.deadline_at = now + tables.tools.at(key.tool).hard_deadline_after;
  }
  std::erase_if(tables.active, [&](const auto& row) { return row.second.job == key; });
}

std::vector<JobKey> LifeModel::settle_locked_jobs(const std::vector<Settling>& wanted, JobStatus status,
                                                  bool task_has_ended) {
  std::vector<JobKey> settled;
  for (const auto& [key, job] : unpaid_) pay_refund(key, job);
  unpaid_.clear();
  const bool pays_by_mistake =
      mutant_ == Mutant::refund_by_flag || mutant_ == Mutant::refund_without_ledger_key;
  if (pays_by_mistake) pay_by_mistake(wanted, status);
  for (const Settling& one : wanted) {
    const auto found = tables.jobs.find(one.job);
    if (found == tables.jobs.end()) continue;
    JobRow& job = found->second;
    const bool may =
        status == JobStatus::completed ? job.status == JobStatus::running : !is_terminal(job.status);
    if (!may && mutant_ != Mutant::settle_by_id_only) continue;
    if (one.attempt && *one.attempt != job.attempt && mutant_ != Mutant::no_attempt_guard) continue;
    const bool was_refunded = job.refunded;
    move_to(one.job, job, status);
    job.completed_at = now;
    if (one.error_message) job.error_message = one.error_message;
    if (one.output_url) job.output_url = one.output_url;
    job.refunded = was_refunded || (status != JobStatus::completed && job.charged && job.cost > 0);
    release(one.job, status, task_has_ended);
    settled.push_back(one.job);
    if (was_refunded || status == JobStatus::completed || pays_by_mistake) continue;
    if (mutant_ == Mutant::refund_in_second_transaction) {
      unpaid_.emplace_back(one.job, job);
    } else {
      pay_refund(one.job, job);
    }
  }
  return settled;
}

bool LifeModel::was_heard(const JobKey& key) const {
  return std::any_of(tables.inbox.begin(), tables.inbox.end(), [&](const auto& row) {
    const InboxRow& heard = row.second;
    return heard.submission && heard.submission->job == key &&
           (heard.outcome == "rung" || heard.outcome == "early");
  });
}

std::vector<SettledAttempt> LifeModel::settle_attempts(const Json& rows) {
  std::vector<SettledAttempt> told;
  for (const Json& row : rows) {
    const AttemptKey attempt = attempt_key(row);
    const JobStatus status = *job_status_of(row.at("status").get<std::string>());
    const bool task_has_ended = row.at("task_has_ended").get<bool>();
    const auto job = tables.jobs.find(attempt.job);
    const bool is_as_seen =
        job != tables.jobs.end() && job_status_name(job->second.status) == text_at(row, "seen_status");
    if (!is_as_seen && mutant_ != Mutant::no_seen_status) continue;
    const JobStatus from = job == tables.jobs.end() ? status : job->second.status;
    const ActiveRow* active = active_of(attempt);
    const Instant deadline_at = active != nullptr ? active->deadline_at.value_or(now) : now;
    const auto refunds_before = tables.ledger.size();
    if (settle_locked_jobs(
            {{attempt.job, attempt.attempt, text_at(row, "output_url"), text_at(row, "error_message")}},
            status, task_has_ended)
            .empty())
      continue;
    const auto submission = tables.submissions.find(attempt);
    if (submission != tables.submissions.end() && task_has_ended) submission->second.task_ended_at = now;
    tables.evidence.push_back({attempt.job, std::string{job_status_name(status)}});
    const std::int64_t refunded = tables.ledger.size() > refunds_before ? tables.ledger.back().amount : 0;
    const bool heard = was_heard(attempt.job);
    endings.push_back({attempt, from, status, task_has_ended, deadline_at,
                       tables.jobs.at(attempt.job).task_id, text_at(row, "output_url"), heard});
    told.push_back({attempt_of(attempt, ""), std::string{job_status_name(status)}, refunded, heard});
  }
  return told;
}

/// Source: stale_jobs_page.sql.
bool LifeModel::is_stale(const JobKey& key, const JobRow& job) const {
  if (is_terminal(job.status) || job.status == JobStatus::pending) return false;
  const ToolRow& tool = tables.tools.at(key.tool);
  const Instant age_from = job.started_at.value_or(job.queued_at.value_or(job.created_at));
  const Duration patience = job.task_id                       ? tool.hard_deadline_after
                            : job.status == JobStatus::queued ? tool.queued_stale_after
                                                              : tool.stale_after;
  return age_from + patience < now;
}

int LifeModel::cleanup_all_stale_ai_jobs() {
  free_expired_slots();
  std::vector<Settling> stale;
  for (const auto& [key, job] : tables.jobs) {
    if (is_stale(key, job))
      stale.push_back(
          {.job = key,
           .error_message = "Trabalho cancelado automaticamente após 10 minutos. Créditos estornados."});
  }
  const std::vector<JobKey> settled = settle_locked_jobs(stale, JobStatus::failed, false);
  for (const JobKey& key : settled) tables.evidence.push_back({key, "failed"});
  return static_cast<int>(settled.size());
}

}  // namespace jobwatchdog::test
