// Claims and submits of the model: claim_next_jobs, record_submissions.
#include <algorithm>
#include <tuple>

#include "tests/simulation/life_model.hpp"

namespace jobwatchdog::test {

std::vector<AccountToServe> LifeModel::accounts_to_serve() const {
  std::map<std::string, std::pair<int, int>> room_and_waiting;
  for (const auto& [place, slot] : tables.slots) {
    if (slot.state == SlotState::free) ++room_and_waiting[place.first].first;
  }
  for (const auto& [user, active] : tables.active) {
    if (active.queued_at) ++room_and_waiting[active.account].second;
  }
  std::vector<AccountToServe> accounts;
  for (const auto& [account, counts] : room_and_waiting) {
    const int wanted = std::min(counts.first, counts.second);
    if (wanted > 0 && !is_paused(account)) accounts.push_back({account, wanted});
  }
  return accounts;
}

std::vector<std::pair<std::string, ActiveRow>> LifeModel::queue_head(const std::string& account,
                                                                     std::size_t count_max) const {
  const Tables& read = mutant_ == Mutant::stale_queue_head && seen ? *seen : tables;
  std::vector<std::pair<std::string, ActiveRow>> queue;
  for (const auto& [user, active] : read.active) {
    if (active.account == account && active.queued_at) queue.emplace_back(user, active);
  }
  std::sort(queue.begin(), queue.end(), [](const auto& a, const auto& b) {
    return std::pair{*a.second.queued_at, a.second.job} < std::pair{*b.second.queued_at, b.second.job};
  });
  // One whose row somebody else holds for a moment.
  if (mutant_ == Mutant::skips_locked_head && now.ms % 4 == 0 && !queue.empty()) queue.erase(queue.begin());
  if (queue.size() > count_max) queue.resize(count_max);
  return queue;
}

ClaimedJob LifeModel::claimed_job(const AttemptKey& attempt, const SubmissionRow& submission) const {
  return {attempt_of(attempt, submission.account),
          "1",
          Json::array(),
          "",
          tables.tools.at(attempt.job.tool).webhook_path,
          submission.token};
}

/// A job leaves the queue: attempt, slot and submission are written before the provider is called.
ClaimedJob LifeModel::start_attempt(const std::string& user, ActiveRow& active, const std::string& owner,
                                    const std::string& token, Duration lease) {
  const auto bears_token = [&](const auto& row) { return row.second.token == token; };
  if (std::any_of(tables.submissions.begin(), tables.submissions.end(), bears_token))
    throw SqlRefusal{"23505", "each attempt has a token of its own"};
  const JobKey key = active.job;
  JobRow& job = tables.jobs.at(key);
  claimed.push_back({key, active.account, active.queued_at.value_or(now)});
  const Instant deadline = now + tables.tools.at(key.tool).hard_deadline_after;
  ++job.attempt;
  job.started_at = now;
  job.account = active.account;
  move_to(key, job, JobStatus::starting);
  const AttemptKey attempt{key, job.attempt};
  for (auto& [place, slot] : tables.slots) {
    if (place.first != active.account || slot.state != SlotState::free) continue;
    slot = {.state = SlotState::taken, .holder = attempt, .changed_at = now, .deadline_at = deadline};
    break;
  }
  tables.active[user] = {.job = key,
                         .attempt = job.attempt,
                         .account = active.account,
                         .admitted_at = active.admitted_at,
                         .next_check_at = now + lease,
                         .lease_until = now + lease,
                         .lease_owner = owner,
                         .deadline_at = deadline,
                         .leased_at = now};
  SubmissionRow& submission = tables.submissions[attempt];
  submission = {
      .account = active.account, .token = token, .token_hash = token_hash_of(token), .submitted_at = now};
  return claimed_job(attempt, submission);
}

std::vector<ClaimedJob> LifeModel::claim_next_jobs(const std::string& account, const std::string& owner,
                                                   const std::vector<std::string>& tokens, Duration lease) {
  std::vector<ClaimedJob> jobs;
  for (const auto& [attempt, submission] : tables.submissions) {
    if (submission.outcome == "open" &&
        std::find(tokens.begin(), tokens.end(), submission.token) != tokens.end())
      jobs.push_back(claimed_job(attempt, submission));
  }
  if (!jobs.empty() || is_paused(account)) return jobs;
  const Tables& counted = mutant_ == Mutant::count_without_lock && seen ? *seen : tables;
  const auto free_count = std::count_if(counted.slots.begin(), counted.slots.end(), [&](const Slot& slot) {
    return slot.first.first == account && slot.second.state == SlotState::free;
  });
  const std::size_t wanted = std::min(tokens.size(), static_cast<std::size_t>(free_count));
  for (auto& [user, active] : queue_head(account, wanted)) {
    ActiveRow row = active;
    jobs.push_back(start_attempt(user, row, owner, tokens[jobs.size()], lease));
  }
  return jobs;
}

std::string LifeModel::became_of(const AttemptKey& attempt, const std::string& outcome) const {
  const JobRow& job = tables.jobs.at(attempt.job);
  if (job.status != JobStatus::starting || job.attempt != attempt.attempt) return "ended";
  if (outcome == "accepted") return "running";
  if (outcome == "unknown") return "held";
  const bool is_last = attempt.attempt >= tables.tools.at(attempt.job.tool).attempts_max;
  return outcome == "refused" || is_last ? "failed" : "queued";
}

/// A task belongs to one job of its tool and account: the unique index of ai_jobs.
void LifeModel::refuse_doubled_task(const Json& answers) const {
  for (const Json& answer : answers) {
    const AttemptKey attempt = attempt_key(answer);
    const auto submission = tables.submissions.find(attempt);
    const MaybeText task_id = text_at(answer, "task_id");
    if (!task_id || submission == tables.submissions.end()) continue;
    if (submission->second.outcome != "open" && submission->second.outcome != "unknown") continue;
    if (tables.jobs.at(attempt.job).attempt != attempt.attempt) continue;
    const MaybeText account = tables.jobs.at(attempt.job).account;
    for (const auto& [key, job] : tables.jobs) {
      if (key != attempt.job && key.tool == attempt.job.tool && job.account == account &&
          job.task_id == task_id)
        throw SqlRefusal{"23505", "a provider task belongs to one job"};
    }
  }
}

void LifeModel::apply_submission(const AttemptKey& attempt, const std::string& became, const Json& answer,
                                 const LeaseHolder& holder) {
  const MaybeText task_id = text_at(answer, "task_id");
  const std::string outcome = answer.at("outcome").get<std::string>();
  const bool has_no_task = outcome == "no_capacity" || outcome == "not_sent" || outcome == "refused";
  JobRow& job = tables.jobs.at(attempt.job);
  if (job.attempt == attempt.attempt && task_id && (became == "running" || became == "ended"))
    job.task_id = task_id;
  if (became == "running") move_to(attempt.job, job, JobStatus::running);
  if (became == "queued") {
    job.queued_at = now;
    job.started_at.reset();
    move_to(attempt.job, job, JobStatus::queued);
  }
  if (SlotRow* slot = slot_of(attempt)) {
    if (has_no_task && (became == "queued" || became == "ended")) {
      free_slot(*slot);
    } else if (task_id) {
      slot->task_id = task_id;
      if (slot->state == SlotState::cancelling) slot->next_check_at = now;
    }
  }
  ActiveRow* active = active_of(attempt);
  if (active == nullptr || (became != "running" && became != "queued" && became != "held")) return;
  if (became == "queued" || active->lease_owner.value_or(holder.owner) == holder.owner) {
    active->lease_owner.reset();
    active->lease_until.reset();
  }
  active->queued_at = became == "queued" ? MaybeInstant{now} : std::nullopt;
  active->next_check_at = active->rung_at ? now : now + holder.first_check_after;
}

/// A task whose job ended and whose slot was given away is an orphan; where there is no task, there is none.
void LifeModel::note_submitted_orphan(const AttemptKey& attempt, const std::string& became,
                                      const std::string& outcome, const MaybeText& task_id) {
  const auto known = tables.orphans.find(attempt);
  if (outcome == "no_capacity" || outcome == "not_sent" || outcome == "refused") {
    if (known == tables.orphans.end() || known->second.ended_at) return;
    known->second.ended_at = now;
    known->second.end_verdict = outcome;
    return;
  }
  if (became != "ended" || !task_id || slot_of(attempt) != nullptr) return;
  if (known == tables.orphans.end()) {
    tables.orphans[attempt] = {.account = tables.jobs.at(attempt.job).account.value_or(""),
                               .reason = "it was accepted after its job had ended",
                               .noted_at = now};
  }
  OrphanRow& orphan = tables.orphans.at(attempt);
  orphan.task_id = task_id;
  orphan.next_check_at = now;
}

void LifeModel::pause_accounts(const std::vector<std::pair<AttemptKey, const Json*>>& told) {
  std::map<std::string, std::tuple<std::int64_t, MaybeText, std::string>> pauses;
  for (const auto& [attempt, answer] : told) {
    const std::int64_t pause_ms = answer->value("pause_ms", std::int64_t{0});
    if (pause_ms <= 0) continue;
    auto& [longest, message, outcome] = pauses[tables.jobs.at(attempt.job).account.value_or("")];
    longest = std::max(longest, pause_ms);
    message = std::max(message, text_at(*answer, "message"));
    outcome = std::max(outcome, answer->at("outcome").get<std::string>());
  }
  for (const auto& [account, pause] : pauses) {
    const auto known = tables.accounts.find(account);
    const auto& [longest, message, outcome] = pause;
    const Instant until = now + Duration{longest};
    if (known == tables.accounts.end() || known->second.submits_paused_until.value_or(Instant{}) >= until)
      continue;
    known->second = {until, message.value_or(outcome)};
  }
}

std::vector<std::string> LifeModel::record_submissions(const Json& answers, const LeaseHolder& holder) {
  refuse_doubled_task(answers);
  std::vector<std::pair<AttemptKey, const Json*>> told;
  std::vector<std::string> words;
  for (const Json& answer : answers) {
    const AttemptKey attempt = attempt_key(answer);
    const auto found = tables.submissions.find(attempt);
    if (found == tables.submissions.end()) continue;
    SubmissionRow& submission = found->second;
    if (submission.outcome != "open" && submission.outcome != "unknown") continue;
    const std::string outcome = answer.at("outcome").get<std::string>();
    submission.answered_at = now;
    submission.outcome = outcome;
    submission.task_id = text_at(answer, "task_id");
    const std::string became = became_of(attempt, outcome);
    apply_submission(attempt, became, answer, holder);
    note_submitted_orphan(attempt, became, outcome, submission.task_id);
    if (became == "failed") {
      settle_locked_jobs({{attempt.job, attempt.attempt, std::nullopt,
                           text_at(answer, "message").value_or("The provider did not accept the task")}},
                         JobStatus::failed, true);
      tables.evidence.push_back({attempt.job, "failed"});
    }
    told.emplace_back(attempt, &answer);
    words.push_back(became);
    ++version;
  }
  pause_accounts(told);
  return words;
}

}  // namespace jobwatchdog::test
