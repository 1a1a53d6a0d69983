// The settle decision: age first, then rescues, then the provider's word.
#include "core/settlement.hpp"

#include <algorithm>

#include "core/duration_text.hpp"

namespace jobwatchdog {
namespace {

using Kind = Settlement::Kind;

std::string age_words(Duration age, Duration limit) {
  return duration_text(age) + " old, limit " + duration_text(limit);
}

Settlement keep(std::string reason) { return {Kind::keep, std::move(reason), false, false}; }

Settlement settle(Kind kind, const Rule& rule, const JobFacts& job, std::string reason) {
  return {kind, std::move(reason), refund_is_due(rule, job), false};
}

/// A task that has not ended as far as anyone knows: patience until the hard deadline, then an end with a
/// cancel.
Settlement without_final_word(const Rule& rule, const JobFacts& job, Duration age, const std::string& word) {
  const Duration deadline = rule.provider->hard_deadline;
  if (age < deadline) return keep(word + "; kept until the hard deadline (" + age_words(age, deadline) + ")");
  Settlement settlement =
      settle(Kind::settle_by_rule, rule, job,
             word + ", and the hard deadline has passed (" + age_words(age, deadline) + ")");
  settlement.cancel_at_provider = true;
  return settlement;
}

Settlement by_verdict(const Rule& rule, const JobFacts& job, const Verdict& verdict, Duration age) {
  switch (verdict.kind) {
    case Verdict::Kind::succeeded:
      return {Kind::settle_as_succeeded, "the provider finished task " + *job.task_id, false, false};
    case Verdict::Kind::failed:
      return settle(
          Kind::settle_as_failed, rule, job,
          "the provider failed task " + *job.task_id + " (" + verdict.code + " " + verdict.message + ")");
    case Verdict::Kind::alive_queued:
      return without_final_word(rule, job, age, "the provider has task " + *job.task_id + " in its queue");
    case Verdict::Kind::alive_running:
      return without_final_word(rule, job, age, "the provider still works on task " + *job.task_id);
    case Verdict::Kind::not_found:
      return without_final_word(rule, job, age, "the provider does not know task " + *job.task_id);
    case Verdict::Kind::unknown: break;
  }
  return without_final_word(rule, job, age,
                            "the provider gave no usable answer about task " + *job.task_id +
                                (verdict.message.empty() ? "" : " (" + verdict.message + ")"));
}

}  // namespace

bool refund_is_due(const Rule& rule, const JobFacts& job) {
  return rule.refund.has_value() && job.charged && !job.refunded && job.refund_amount > 0;
}

Settlement decide_settlement(const Rule& rule, const JobFacts& job, const std::optional<Verdict>& verdict,
                             Instant now) {
  if (std::find(rule.stuck_in.begin(), rule.stuck_in.end(), job.status) == rule.stuck_in.end()) {
    return keep("its status \"" + job.status + "\" is not one that the rule watches");
  }
  if (!job.aged_since) return keep("its age is unknown: " + rule.age_of.front() + " is NULL");
  const Duration age = now - *job.aged_since;
  if (age <= rule.older_than) return keep("it is too young (" + age_words(age, rule.older_than) + ")");
  if (rule.rescues_max > 0 && job.rescue_count >= rule.rescues_max) {
    return {Kind::report_exhausted,
            "it was rescued " + std::to_string(job.rescue_count) + " times, the cap is " +
                std::to_string(rule.rescues_max),
            false, false};
  }
  const std::string stuck = "stuck in \"" + job.status + "\" (" + age_words(age, rule.older_than) + ")";
  if (!rule.provider) return settle(Kind::settle_by_rule, rule, job, stuck);
  if (!job.task_id)
    return settle(Kind::settle_by_rule, rule, job, stuck + ", and it never reached the provider");
  if (!verdict)
    return {Kind::ask_provider, stuck + "; the provider must be asked about task " + *job.task_id, false,
            false};
  return by_verdict(rule, job, *verdict, age);
}

}  // namespace jobwatchdog
