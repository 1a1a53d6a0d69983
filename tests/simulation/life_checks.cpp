// Checks, ended tasks and webhooks of the model.
#include <algorithm>

#include "native/life/watch_json.hpp"
#include "tests/simulation/life_model.hpp"

namespace jobwatchdog::test {
namespace {

/// The least rest between two checks that webhooks ask for.
constexpr Duration rest_min = seconds(2);

bool is_leased(const MaybeInstant& lease_until, Instant now) { return lease_until && *lease_until > now; }

}  // namespace

std::vector<LeasedCheck> LifeModel::lease_due_checks(const std::string& owner, int count_max,
                                                     Duration lease) {
  std::vector<std::pair<Instant, std::string>> due;
  for (const auto& [user, active] : tables.active) {
    if (!active.queued_at && active.next_check_at <= now && !is_leased(active.lease_until, now))
      due.emplace_back(active.next_check_at, user);
  }
  std::sort(due.begin(), due.end());
  if (due.size() > static_cast<std::size_t>(count_max)) due.resize(static_cast<std::size_t>(count_max));
  std::vector<LeasedCheck> checks;
  for (const auto& [at, user] : due) {
    ActiveRow& active = tables.active.at(user);
    active.lease_owner = owner;
    active.leased_at = now;
    active.lease_until = now + lease;
    ++version;
    const JobRow& job = tables.jobs.at(active.job);
    if (!holds_slot(job.status)) continue;
    const AttemptKey attempt{active.job, active.attempt};
    leases.push_back({attempt, now});
    LeasedCheck check{.attempt = attempt_of(attempt, active.account), .job = {}, .leased_at = now};
    check.job.status = job.status;
    check.job.task_id = job.task_id;
    const auto submission = tables.submissions.find(attempt);
    if (submission != tables.submissions.end()) {
      check.job.claimed_task_id = submission->second.claimed_task_id;
      check.token_hash = submission->second.token_hash;
    }
    check.job.started_at = job.started_at.value_or(job.created_at);
    check.job.deadline_at = active.deadline_at.value_or(check.job.started_at +
                                                        tables.tools.at(active.job.tool).hard_deadline_after);
    check.job.was_rung = active.rung_at.has_value();
    check.job.watch = watch_of_json(active.watch.is_null() ? "" : active.watch.dump());
    checks.push_back(std::move(check));
  }
  return checks;
}

int LifeModel::record_checks(const std::string& owner, const Json& checks) {
  int count = 0;
  for (const Json& row : checks) {
    ActiveRow* active = active_of(attempt_key(row));
    if (active == nullptr || active->lease_owner != owner) continue;
    const bool rang_meanwhile = active->rung_at && active->leased_at && *active->rung_at > *active->leased_at;
    active->next_check_at =
        now + (rang_meanwhile ? mutant_ == Mutant::checks_without_rest ? Duration{} : rest_min
                              : Duration{row.at("next_check_ms").get<std::int64_t>()});
    active->lease_owner.reset();
    active->lease_until.reset();
    if (!rang_meanwhile) active->rung_at.reset();
    if (row.at("is_alive").get<bool>()) active->seen_at = now;
    ++active->check_count;
    active->last_verdict = text_at(row, "verdict");
    active->watch = row.at("watch");
    ++count;
    ++version;
  }
  return count;
}

/// What the last webhook with the job's token calls the task is worth asking about.
void LifeModel::take_claimed_names() {
  const auto take_name = [&](const AttemptKey& attempt, MaybeText& task_id) {
    const auto submission = tables.submissions.find(attempt);
    if (submission == tables.submissions.end() || submission->second.task_id) return;
    if (submission->second.claimed_task_id) task_id = submission->second.claimed_task_id;
  };
  for (auto& [place, slot] : tables.slots) {
    if (slot.state == SlotState::cancelling) take_name(*slot.holder, slot.task_id);
  }
  for (auto& [attempt, orphan] : tables.orphans) {
    if (!orphan.ended_at) take_name(attempt, orphan.task_id);
  }
}

/// Its hash where only a webhook named the task.
std::string LifeModel::claim_token_hash(const AttemptKey& attempt) const {
  const auto submission = tables.submissions.find(attempt);
  return submission == tables.submissions.end() || submission->second.task_id ? ""
                                                                              : submission->second.token_hash;
}

std::vector<LeasedTask> LifeModel::lease_ended_tasks(const std::string& owner, int count_max,
                                                     Duration lease) {
  take_claimed_names();
  std::vector<LeasedTask> tasks;
  for (auto& [place, slot] : tables.slots) {
    const bool is_due = slot.state == SlotState::cancelling &&
                        slot.next_check_at.value_or(slot.changed_at) <= now &&
                        !is_leased(slot.lease_until, now);
    if (!slot.task_id || !is_due || static_cast<int>(tasks.size()) >= count_max) continue;
    slot.lease_owner = owner;
    slot.lease_until = now + lease;
    ++version;
    tasks.push_back({attempt_of(*slot.holder, place.first), *slot.task_id, slot.check_count, false,
                     claim_token_hash(*slot.holder)});
  }
  std::vector<std::pair<Instant, AttemptKey>> due;
  for (const auto& [attempt, orphan] : tables.orphans) {
    if (!orphan.ended_at && orphan.task_id && orphan.next_check_at <= now &&
        !is_leased(orphan.lease_until, now))
      due.emplace_back(orphan.next_check_at, attempt);
  }
  std::sort(due.begin(), due.end());
  if (due.size() > static_cast<std::size_t>(count_max)) due.resize(static_cast<std::size_t>(count_max));
  for (const auto& [at, attempt] : due) {
    OrphanRow& orphan = tables.orphans.at(attempt);
    orphan.lease_owner = owner;
    orphan.lease_until = now + lease;
    ++version;
    tasks.push_back({attempt_of(attempt, orphan.account), *orphan.task_id, orphan.check_count, true,
                     claim_token_hash(attempt)});
  }
  return tasks;
}

/// It has not ended: when to look again.
void LifeModel::record_living_task(const AttemptKey& attempt, const Json& row) {
  const auto put_off = [&](auto& held) {
    held.next_check_at = now + Duration{row.at("next_check_ms").get<std::int64_t>()};
    ++held.check_count;
    held.lease_owner.reset();
    held.lease_until.reset();
    ++version;
  };
  SlotRow* slot = slot_of(attempt);
  if (slot != nullptr && slot->state == SlotState::cancelling) put_off(*slot);
  const auto orphan = tables.orphans.find(attempt);
  if (orphan != tables.orphans.end()) put_off(orphan->second);
}

/// Whether anything came of it.
bool LifeModel::record_ended_task(const AttemptKey& attempt, const Json& row) {
  bool is_news = false;
  for (auto& [place, slot] : tables.slots) {
    const bool is_its_own = slot.holder == attempt && slot.state == SlotState::cancelling;
    const bool is_of_its_user = mutant_ == Mutant::slot_freed_by_user && slot.holder &&
                                tables.jobs.at(slot.holder->job).user == tables.jobs.at(attempt.job).user;
    if (!is_its_own && !is_of_its_user) continue;
    free_slot(slot);
    is_news = true;
  }
  const auto orphan = tables.orphans.find(attempt);
  if (orphan != tables.orphans.end() && !orphan->second.ended_at) {
    orphan->second.ended_at = now;
    orphan->second.end_verdict = text_at(row, "verdict");
    orphan->second.lease_owner.reset();
    orphan->second.lease_until.reset();
    is_news = true;
  }
  const auto submission = tables.submissions.find(attempt);
  if (submission != tables.submissions.end() && is_terminal(tables.jobs.at(attempt.job).status))
    submission->second.task_ended_at = now;
  ++version;
  return is_news;
}

std::vector<std::string> LifeModel::record_ended_tasks(const Json& rows) {
  std::vector<std::string> words;
  for (const Json& row : rows) {
    const AttemptKey attempt = attempt_key(row);
    if (!row.at("has_ended").get<bool>()) {
      record_living_task(attempt, row);
      continue;
    }
    const bool is_news = record_ended_task(attempt, row);
    JobRow& job = tables.jobs.at(attempt.job);
    const MaybeText output_url = text_at(row, "output_url");
    const bool is_late = output_url && !job.late_output_url &&
                         (job.status == JobStatus::failed || job.status == JobStatus::cancelled);
    if (is_late) job.late_output_url = output_url;
    if (is_late && mutant_ == Mutant::late_success_overwrites)
      move_to(attempt.job, job, JobStatus::completed);
    if (is_news || is_late) words.emplace_back(is_late ? "late_result" : "ended");
  }
  return words;
}

int LifeModel::record_webhook_repairs(const Json& rows) {
  return static_cast<int>(std::count_if(rows.begin(), rows.end(), [&](const Json& row) {
    return std::none_of(tables.inbox.begin(), tables.inbox.end(), [&](const auto& entry) {
      const InboxRow& heard = entry.second;
      return heard.submission && heard.submission->job == attempt_key(row).job && heard.task_id &&
             heard.task_id == text_at(row, "task_id") &&
             (heard.outcome == "rung" || heard.outcome == "early" || heard.outcome == "late");
    });
  }));
}

int LifeModel::free_expired_slots() {
  int count = 0;
  for (auto& [place, slot] : tables.slots) {
    if (slot.state != SlotState::cancelling || !(slot.deadline_at < now)) continue;
    if (mutant_ == Mutant::expired_slots_stay) continue;
    const auto submission = tables.submissions.find(*slot.holder);
    MaybeText task_id = slot.task_id;
    if (!task_id && submission != tables.submissions.end()) task_id = submission->second.claimed_task_id;
    if (mutant_ != Mutant::orphans_not_noted) {
      tables.orphans.try_emplace(
          *slot.holder, OrphanRow{.account = place.first,
                                  .task_id = task_id,
                                  .reason = "its end was not confirmed before the deadline of its slot",
                                  .noted_at = now,
                                  .next_check_at = now});
    }
    free_slot(slot);
    ++count;
  }
  return count;
}

void LifeModel::ring(const AttemptKey& attempt) {
  ActiveRow* active = active_of(attempt);
  if (active == nullptr || active->queued_at) return;
  active->rung_at = now;
  const Instant soonest = mutant_ == Mutant::checks_without_rest || !active->leased_at
                              ? now
                              : std::max(now, *active->leased_at + rest_min);
  active->next_check_at = std::min(active->next_check_at, soonest);
}

std::string LifeModel::receive_webhook(const MaybeText& token, const MaybeText& task_id,
                                       const std::string& body) {
  const bool goes_by_task = !token || mutant_ == Mutant::webhook_by_task_id;
  const auto found = std::find_if(tables.submissions.begin(), tables.submissions.end(), [&](const auto& row) {
    return goes_by_task ? task_id && row.second.task_id == task_id : row.second.token == *token;
  });
  const bool is_known = found != tables.submissions.end();
  std::string outcome = "unknown";
  if (is_known) {
    const SubmissionRow& submission = found->second;
    outcome = !task_id                                               ? "misshapen"
              : submission.task_id && submission.task_id != task_id  ? "forged"
              : is_terminal(tables.jobs.at(found->first.job).status) ? "late"
              : !submission.task_id                                  ? "early"
                                                                     : "rung";
  }
  const auto known =
      tables.inbox.try_emplace({token.value_or(""), body},
                               InboxRow{.task_id = task_id,
                                        .submission = is_known ? std::optional{found->first} : std::nullopt,
                                        .outcome = outcome});
  if (!known.second) ++known.first->second.seen_count;
  ++version;
  if (!is_known) return outcome;
  const bool may_name_task = outcome == "early" || outcome == "late";
  if (may_name_task && token && !found->second.task_id) found->second.claimed_task_id = task_id;
  if (outcome != "late") ring(found->first);
  SlotRow* slot = slot_of(found->first);
  if (outcome == "late" && slot != nullptr && slot->state == SlotState::cancelling)
    slot->next_check_at = std::min(slot->next_check_at.value_or(now + rest_min), now + rest_min);
  if (mutant_ == Mutant::webhook_sets_outcome && body.find("SUCCESS") != std::string::npos) {
    settle_attempts({{{"tool", found->first.job.tool},
                      {"job_id", found->first.job.id},
                      {"attempt", found->first.attempt},
                      {"status", "completed"},
                      {"seen_status", job_status_name(tables.jobs.at(found->first.job).status)},
                      {"task_has_ended", true},
                      {"output_url", "told by the webhook"}}});
  }
  return outcome;
}

}  // namespace jobwatchdog::test
