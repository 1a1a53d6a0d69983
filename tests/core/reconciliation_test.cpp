// Laws of the reconciler's decisions: what the provider's word means for a job, a submit, and a task whose
// job is over.
#include "core/reconciliation.hpp"

#include <gtest/gtest.h>

#include <string>

namespace jobwatchdog {
namespace {

using Kind = CheckDecision::Kind;

constexpr Instant started{1'000'000'000};
constexpr WatchPolicy policy{};

JobAtWork running_job() {
  JobAtWork job;
  job.task_id = "1904163390028185602";
  job.started_at = started;
  job.deadline_at = started + minutes(12);
  return job;
}

WatchMoment after(Duration passed) { return {started + passed, 0}; }

Verdict said(Verdict::Kind kind, const std::string& message = "") {
  Verdict verdict;
  verdict.kind = kind;
  verdict.message = message;
  if (kind == Verdict::Kind::succeeded) verdict.output_urls = {"https://result.example/1.png"};
  return verdict;
}

/// Asks as often as the machine wants to, always with this answer, until something else than waiting is
/// decided.
/** Gives the decision and when it fell, or the last one after `limit`. */
std::pair<CheckDecision, Duration> live_with(JobAtWork job, const Verdict& answer, Duration limit) {
  Duration passed = seconds(30);
  CheckDecision decision;
  while (passed < limit) {
    decision = begin_check(job, after(passed), policy);
    if (decision.kind == Kind::ask) decision = take_verdict(job, answer, after(passed), policy);
    if (decision.kind != Kind::wait) return {decision, passed};
    passed = passed + decision.next_check_after;
  }
  return {decision, passed};
}

TEST(reconciliation, a_job_is_first_asked_about_after_30_seconds_and_then_every_15) {
  JobAtWork job = running_job();
  CheckDecision decision = begin_check(job, after(seconds(10)), policy);
  EXPECT_EQ(decision.kind, Kind::wait);
  EXPECT_EQ(decision.next_check_after, seconds(20));
  decision = begin_check(job, after(seconds(30)), policy);
  ASSERT_EQ(decision.kind, Kind::ask);
  EXPECT_EQ(decision.task_id, *job.task_id);
  decision = take_verdict(job, said(Verdict::Kind::alive_running), after(seconds(30)), policy);
  EXPECT_EQ(decision.kind, Kind::wait);
  EXPECT_EQ(decision.next_check_after, seconds(15));
}

TEST(reconciliation, without_a_first_rest_a_job_is_asked_about_at_once) {
  WatchPolicy hasty = policy;
  hasty.initial_delay = Duration{};
  JobAtWork job = running_job();
  EXPECT_EQ(begin_check(job, after(milliseconds(5)), hasty).kind, Kind::ask);
  EXPECT_EQ(take_verdict(job, said(Verdict::Kind::succeeded), after(milliseconds(9)), hasty).kind,
            Kind::complete);
}

TEST(reconciliation, a_webhook_that_rang_is_obeyed_at_once) {
  JobAtWork job = running_job();
  job.was_rung = true;
  EXPECT_EQ(begin_check(job, after(seconds(3)), policy).kind, Kind::ask);
  // The twin: without it nobody is asked so early.
  JobAtWork quiet = running_job();
  EXPECT_EQ(begin_check(quiet, after(seconds(3)), policy).kind, Kind::wait);
}

TEST(reconciliation, only_success_completes_and_it_needs_no_deadline) {
  const auto [decision, when] = live_with(running_job(), said(Verdict::Kind::succeeded), minutes(30));
  EXPECT_EQ(decision.kind, Kind::complete);
  EXPECT_EQ(decision.output_url, "https://result.example/1.png");
  EXPECT_TRUE(decision.task_has_ended);
  EXPECT_EQ(when, seconds(30));
}

TEST(reconciliation, the_providers_failure_fails_the_job_and_its_task_has_ended) {
  const auto [decision, when] =
      live_with(running_job(), said(Verdict::Kind::failed, "out of memory"), minutes(30));
  EXPECT_EQ(decision.kind, Kind::fail);
  EXPECT_TRUE(decision.task_has_ended);
  EXPECT_NE(decision.error_message.find("out of memory"), std::string::npos);
  EXPECT_EQ(when, seconds(30));
}

TEST(reconciliation, nothing_but_an_end_is_a_verdict_before_the_hard_deadline) {
  for (const auto kind : {Verdict::Kind::alive_queued, Verdict::Kind::alive_running, Verdict::Kind::not_found,
                          Verdict::Kind::unknown}) {
    const auto [decision, when] = live_with(running_job(), said(kind), minutes(40));
    EXPECT_EQ(decision.kind, Kind::fail) << static_cast<int>(kind);
    EXPECT_FALSE(decision.task_has_ended) << "the task may run on: its slot stays taken";
    EXPECT_GE(when, minutes(12)) << static_cast<int>(kind);
    EXPECT_LE(when, minutes(12) + seconds(61)) << static_cast<int>(kind);
    EXPECT_NE(decision.reason.find("hard deadline"), std::string::npos);
  }
}

TEST(reconciliation, at_the_hard_deadline_the_provider_is_asked_once_more_and_its_success_counts) {
  JobAtWork job = running_job();
  Duration passed = seconds(30);
  CheckDecision decision;
  while (passed < minutes(12)) {
    decision = begin_check(job, after(passed), policy);
    if (decision.kind == Kind::ask)
      decision = take_verdict(job, said(Verdict::Kind::alive_running), after(passed), policy);
    ASSERT_EQ(decision.kind, Kind::wait);
    passed = passed + decision.next_check_after;
  }
  ASSERT_EQ(begin_check(job, after(passed), policy).kind, Kind::ask);
  EXPECT_EQ(take_verdict(job, said(Verdict::Kind::succeeded), after(passed), policy).kind, Kind::complete);
}

TEST(reconciliation, a_job_that_nobody_looked_at_for_hours_is_asked_about_before_it_fails) {
  JobAtWork job = running_job();
  const CheckDecision first = begin_check(job, after(minutes(300)), policy);
  ASSERT_EQ(first.kind, Kind::ask);
  EXPECT_EQ(take_verdict(job, said(Verdict::Kind::alive_running), after(minutes(300)), policy).kind,
            Kind::fail);
}

TEST(reconciliation, the_deadline_of_the_database_counts_and_not_the_machines_own) {
  JobAtWork job = running_job();
  job.deadline_at = started + minutes(3);
  const auto [decision, when] = live_with(job, said(Verdict::Kind::alive_running), minutes(40));
  EXPECT_EQ(decision.kind, Kind::fail);
  EXPECT_LE(when, minutes(3) + seconds(16));
}

TEST(reconciliation, an_unanswered_question_is_asked_again_later_and_retry_after_is_obeyed) {
  JobAtWork job = running_job();
  (void)begin_check(job, after(seconds(30)), policy);
  Verdict busy = said(Verdict::Kind::unknown);
  busy.retry_after = seconds(120);
  const CheckDecision decision = take_verdict(job, busy, after(seconds(30)), policy);
  EXPECT_EQ(decision.kind, Kind::wait);
  EXPECT_GE(decision.next_check_after, seconds(120));
}

TEST(reconciliation, a_node_asks_again_soon_after_a_bad_answer_and_a_page_does_not) {
  for (const Duration least : {Duration{}, seconds(2)}) {
    WatchPolicy impatient = policy;
    impatient.retry_delay_min = least;
    JobAtWork job = running_job();
    (void)begin_check(job, after(seconds(30)), impatient);
    const CheckDecision decision =
        take_verdict(job, said(Verdict::Kind::unknown), after(seconds(30)), impatient);
    EXPECT_EQ(decision.next_check_after, least.ms == 0 ? policy.poll_interval : least);
  }
}

TEST(reconciliation, a_node_asks_a_provider_that_answers_badly_no_less_often_than_one_that_answers) {
  WatchPolicy impatient = policy;
  impatient.retry_delay_min = seconds(2);
  JobAtWork job = running_job();
  Duration at = seconds(30);
  Duration longest;
  for (int answer_count = 0; answer_count < 10; ++answer_count) {
    EXPECT_EQ(begin_check(job, after(at), impatient).kind, Kind::ask);
    const CheckDecision decision = take_verdict(job, said(Verdict::Kind::unknown), after(at), impatient);
    longest = std::max(longest, decision.next_check_after);
    at = at + decision.next_check_after;
  }
  EXPECT_EQ(longest, policy.poll_interval);
}

TEST(reconciliation, a_doubtful_submit_is_held_and_never_asked_about_nor_failed_before_the_deadline) {
  JobAtWork job = running_job();
  job.task_id.reset();
  const auto [decision, when] = live_with(job, said(Verdict::Kind::failed), minutes(40));
  EXPECT_EQ(decision.kind, Kind::fail);
  EXPECT_FALSE(decision.task_has_ended);
  EXPECT_GE(when, minutes(12));
}

TEST(reconciliation, a_task_that_only_a_webhook_told_of_is_adopted_when_the_provider_knows_it) {
  JobAtWork job = running_job();
  job.task_id.reset();
  job.claimed_task_id = "1904163390028185699";
  job.was_rung = true;
  const CheckDecision asked = begin_check(job, after(seconds(3)), policy);
  ASSERT_EQ(asked.kind, Kind::ask);
  EXPECT_EQ(asked.task_id, "1904163390028185699");
  JobAtWork forged = job;
  EXPECT_TRUE(take_verdict(job, said(Verdict::Kind::alive_running), after(seconds(3)), policy).adopt_task);
  EXPECT_FALSE(take_verdict(forged, said(Verdict::Kind::not_found), after(seconds(3)), policy).adopt_task);
}

Submission answered(Submission::Kind kind, bool needs_person = false) {
  Submission submission;
  submission.kind = kind;
  submission.needs_person = needs_person;
  return submission;
}

TEST(reconciliation, want_of_capacity_is_no_failure_and_lets_the_account_rest_longer_each_time) {
  Duration before{};
  for (int refusals = 1; refusals <= 4; ++refusals) {
    const SubmissionDecision decision =
        decide_submission(answered(Submission::Kind::no_capacity), refusals, 0);
    EXPECT_EQ(decision.outcome, Submission::Kind::no_capacity);
    EXPECT_GT(decision.pause, before);
    before = decision.pause;
  }
  EXPECT_LE(decide_submission(answered(Submission::Kind::no_capacity), 1'000'000, 0).pause, seconds(60));
}

TEST(reconciliation, what_only_a_person_can_mend_is_not_the_jobs_fault) {
  const SubmissionDecision wrong_key = decide_submission(answered(Submission::Kind::refused, true), 1, 0);
  EXPECT_EQ(wrong_key.outcome, Submission::Kind::not_sent);
  EXPECT_EQ(wrong_key.pause, seconds(60));
  const SubmissionDecision bad_input = decide_submission(answered(Submission::Kind::refused), 0, 0);
  EXPECT_EQ(bad_input.outcome, Submission::Kind::refused);
  EXPECT_EQ(bad_input.pause, Duration{});
  EXPECT_NE(bad_input.error_message, "");
}

TEST(reconciliation, a_doubtful_submit_stays_doubtful) {
  EXPECT_EQ(decide_submission(answered(Submission::Kind::unknown), 3, 500).outcome,
            Submission::Kind::unknown);
  EXPECT_EQ(decide_submission(answered(Submission::Kind::accepted), 3, 500).outcome,
            Submission::Kind::accepted);
}

TEST(reconciliation,
     a_chased_task_has_ended_when_the_provider_says_so_or_knows_nothing_of_it_again_and_again) {
  EXPECT_TRUE(decide_chase(said(Verdict::Kind::failed), 0, false).has_ended);
  const ChaseDecision late = decide_chase(said(Verdict::Kind::succeeded), 0, false);
  EXPECT_TRUE(late.has_ended);
  EXPECT_EQ(late.output_url, "https://result.example/1.png");
  EXPECT_FALSE(decide_chase(said(Verdict::Kind::not_found), 0, false).has_ended);
  EXPECT_TRUE(decide_chase(said(Verdict::Kind::not_found), 2, false).has_ended);
  for (int count = 0; count < 100; ++count)
    EXPECT_FALSE(decide_chase(said(Verdict::Kind::unknown), count, false).has_ended);
}

TEST(reconciliation, a_chase_slows_down_and_never_stops) {
  EXPECT_EQ(decide_chase(said(Verdict::Kind::alive_running), 0, false).next_check_after, seconds(5));
  EXPECT_EQ(decide_chase(said(Verdict::Kind::alive_running), 50, false).next_check_after, seconds(60));
  EXPECT_EQ(decide_chase(said(Verdict::Kind::alive_running), 0, true).next_check_after, seconds(60));
  EXPECT_EQ(decide_chase(said(Verdict::Kind::alive_running), 50, true).next_check_after, minutes(60));
}

}  // namespace
}  // namespace jobwatchdog
