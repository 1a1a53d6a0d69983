// Tables and answers in words.
#include "tests/simulation/table_lines.hpp"

#include <algorithm>

namespace jobwatchdog::test {
namespace {

constexpr const char* nothing = "-";

std::string word(const std::string& text) { return text; }
std::string word(const char* text) { return text; }
std::string word(const MaybeText& text) { return text.value_or(nothing); }
std::string word(bool flag) { return flag ? "true" : "false"; }
std::string word(int number) { return std::to_string(number); }
std::string word(std::int64_t number) { return std::to_string(number); }
std::string word(Instant at) { return std::to_string(at.ms); }
std::string word(MaybeInstant at) { return at ? word(*at) : nothing; }
std::string word(JobStatus status) { return std::string{job_status_name(status)}; }
std::string word(SlotState state) {
  return state == SlotState::free ? "free" : state == SlotState::taken ? "taken" : "cancelling";
}

template <typename... Fields>
std::string line(const Fields&... fields) {
  std::string text;
  ((text += word(fields) + " | "), ...);
  return text.substr(0, text.size() - 3);
}

/// Of the machine's state one number that no two checks share.
std::string lived_of(const Json& watch) {
  return watch.is_object() && watch.contains("lived") ? watch["lived"].dump() : nothing;
}

std::string joined(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& one : lines) text += one + "\n";
  return text;
}

void add_jobs(const Tables& tables, std::vector<std::string>& lines) {
  for (const auto& [key, job] : tables.jobs)
    lines.push_back(line("job", key.tool, key.id, job.user, job.status, job.task_id, job.account, job.cost,
                         job.charged, job.refunded, job.output_url, job.late_output_url, job.error_message,
                         job.attempt, job.created_at, job.queued_at, job.started_at, job.completed_at));
  for (const auto& [user, row] : tables.active)
    lines.push_back(line("active", user, row.job.tool, row.job.id, row.attempt, row.account, row.admitted_at,
                         row.next_check_at, row.lease_until, row.lease_owner, row.queued_at, row.deadline_at,
                         row.leased_at, row.rung_at, row.seen_at, row.check_count, row.last_verdict,
                         lived_of(row.watch)));
}

void add_slots(const Tables& tables, std::vector<std::string>& lines) {
  for (const auto& [place, slot] : tables.slots) {
    const AttemptKey holder = slot.holder.value_or(AttemptKey{{nothing, nothing}, 0});
    lines.push_back(line("slot", place.first, place.second, slot.state, holder.job.tool, holder.job.id,
                         slot.holder ? word(holder.attempt) : nothing, slot.task_id, slot.changed_at,
                         slot.deadline_at, slot.next_check_at, slot.lease_until, slot.lease_owner,
                         slot.check_count));
  }
  for (const auto& [name, account] : tables.accounts)
    lines.push_back(line("account", name, account.submits_paused_until, account.pause_reason));
}

void add_tasks(const Tables& tables, std::vector<std::string>& lines) {
  for (const auto& [attempt, row] : tables.submissions)
    lines.push_back(line("submission", attempt.job.tool, attempt.job.id, attempt.attempt, row.account,
                         row.token_hash, row.submitted_at, row.answered_at, row.outcome, row.task_id,
                         row.claimed_task_id, row.task_ended_at));
  for (const auto& [attempt, row] : tables.orphans)
    lines.push_back(line("orphan", attempt.job.tool, attempt.job.id, attempt.attempt, row.account,
                         row.task_id, row.reason, row.noted_at, row.next_check_at, row.check_count,
                         row.lease_until, row.lease_owner, row.ended_at, row.end_verdict));
  for (const auto& [key, row] : tables.inbox) {
    const AttemptKey attempt = row.submission.value_or(AttemptKey{{nothing, nothing}, 0});
    lines.push_back(line("inbox", token_hash_of(key.first), key.second, row.task_id, attempt.job.tool,
                         attempt.job.id, row.submission ? word(attempt.attempt) : nothing, row.outcome,
                         row.seen_count));
  }
}

void add_money(const Tables& tables, std::vector<std::string>& lines) {
  for (const LedgerRow& row : tables.ledger)
    lines.push_back(
        line("ledger", row.job.tool, row.job.id, row.is_refund ? "refund" : "charge", row.user, row.amount));
  for (const auto& [user, row] : tables.balances)
    lines.push_back(line("balance", user, row.opening, row.balance));
  for (const EvidenceRow& row : tables.evidence)
    lines.push_back(line("ended", row.job.tool, row.job.id, row.status));
}

}  // namespace

std::vector<std::string> lines_of(const Tables& tables) {
  std::vector<std::string> lines;
  add_jobs(tables, lines);
  add_slots(tables, lines);
  add_tasks(tables, lines);
  add_money(tables, lines);
  std::sort(lines.begin(), lines.end());
  return lines;
}

const char* const lines_query = R"sql(
WITH ended AS (
    SELECT one_table.value ->> 'table_name' AS table_name, id.value AS id, 'failed' AS status
      FROM public.audit_log AS audit CROSS JOIN LATERAL jsonb_array_elements(audit.new_data -> 'tables') AS one_table
     CROSS JOIN LATERAL jsonb_array_elements_text(one_table.value -> 'ids') AS id
     WHERE audit.action = 'cleanup_all_stale_ai_jobs'
     UNION ALL
    SELECT audit.table_name, audit.record_id, audit.new_data ->> 'status' FROM public.audit_log AS audit
     WHERE audit.action IN ('user_cancel_ai_job', 'admin_cancel_job', 'settle_attempts')
        OR (audit.action = 'submission' AND audit.new_data ->> 'status' = 'failed'))
SELECT test_line('job', tool, id::text, user_id::text, status, task_id, api_account, user_credit_cost::text, credits_charged::text,
                 credits_refunded::text, output_url, late_output_url, error_message, attempt::text, test_ms(created_at),
                 test_ms(queued_at), test_ms(started_at), test_ms(completed_at)) AS line FROM public.ai_jobs
UNION ALL
SELECT test_line('active', user_id::text, tool, job_id::text, attempt::text, account, test_ms(admitted_at), test_ms(next_check_at),
                 test_ms(lease_until), lease_owner, test_ms(queued_at), test_ms(deadline_at), test_ms(leased_at), test_ms(rung_at),
                 test_ms(seen_at), check_count::text, last_verdict, watch ->> 'lived') FROM watchdog.active_jobs
UNION ALL
SELECT test_line('slot', account, slot::text, state, tool, job_id::text, attempt::text, task_id, test_ms(changed_at),
                 test_ms(deadline_at), test_ms(next_check_at), test_ms(lease_until), lease_owner, check_count::text)
  FROM watchdog.provider_slots
UNION ALL
SELECT test_line('account', account, test_ms(submits_paused_until), pause_reason) FROM watchdog.runninghub_accounts
UNION ALL
SELECT test_line('submission', tool, job_id::text, attempt::text, account, token_hash::text, test_ms(submitted_at),
                 test_ms(answered_at), outcome, task_id, claimed_task_id, test_ms(task_ended_at)) FROM watchdog.submissions
UNION ALL
SELECT test_line('orphan', tool, job_id::text, attempt::text, account, task_id, reason, test_ms(noted_at), test_ms(next_check_at),
                 check_count::text, test_ms(lease_until), lease_owner, test_ms(ended_at), end_verdict) FROM watchdog.orphan_tasks
UNION ALL
SELECT test_line('inbox', token_hash::text, body, task_id, tool, job_id::text, attempt::text, outcome, seen_count::text)
  FROM watchdog.webhook_inbox
UNION ALL
SELECT test_line('ledger', tool, job_id::text, kind, user_id::text, amount::text) FROM watchdog.credit_ledger
UNION ALL
SELECT test_line('balance', user_id::text, opening::text, balance::text) FROM public.upscaler_credits
UNION ALL
SELECT test_line('ended', known.tool, ended.id, ended.status) FROM ended JOIN watchdog.tools AS known USING (table_name)
)sql";

std::string words_of(const std::vector<LeasedTask>& tasks) {
  std::vector<std::string> lines;
  for (const LeasedTask& task : tasks)
    lines.push_back(line("task", task.attempt.tool, task.attempt.table, task.attempt.job_id,
                         task.attempt.number, task.attempt.account, task.task_id, task.check_count,
                         task.is_orphan, task.claim_token_hash));
  return joined(lines);
}

std::string words_of(const std::vector<AccountToServe>& accounts) {
  std::vector<std::string> lines;
  for (const AccountToServe& account : accounts)
    lines.push_back(line("serve", account.account, account.wanted_count));
  return joined(lines);
}

std::string words_of(const TurnOutcome& outcome) {
  std::vector<std::string> lines{line("repaired", outcome.repaired_count)};
  for (const std::string& became : outcome.submissions_became) lines.push_back(line("submission", became));
  for (const SettledAttempt& settled : outcome.settled)
    lines.push_back(line("settled", settled.attempt.tool, settled.attempt.job_id, settled.attempt.number,
                         settled.status, settled.refunded_credits, settled.webhook_was_heard));
  for (const std::string& became : outcome.ended_tasks_became) lines.push_back(line("task", became));
  int place = 0;
  for (const ClaimedJob& job : outcome.claimed)
    lines.push_back(line("claimed", ++place, job.attempt.tool, job.attempt.table, job.attempt.job_id,
                         job.attempt.number, job.attempt.account, job.problem, job.webhook_path, job.token));
  for (const LeasedCheck& check : outcome.leased)
    lines.push_back(line("check", check.attempt.tool, check.attempt.table, check.attempt.job_id,
                         check.attempt.number, check.attempt.account, check.job.status, check.job.task_id,
                         check.job.claimed_task_id, check.job.started_at, check.job.deadline_at,
                         check.job.was_rung, check.job.watch.lived.ms, check.leased_at, check.token_hash));
  return joined(lines);
}

}  // namespace jobwatchdog::test
