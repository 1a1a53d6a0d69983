// The watching machine goes on as it was in whichever node reads it: what it remembers survives its JSON.
#include "native/life/watch_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/reconciliation.hpp"

namespace jobwatchdog {
namespace {

/// The life of a job whose provider answers badly at first: after each check the machine may be taken over.
std::vector<std::int64_t> rests_of_a_life(bool is_taken_over) {
  JobAtWork job;
  job.task_id = "1";
  job.started_at = Instant{1'000'000};
  job.deadline_at = job.started_at + minutes(12);
  std::vector<std::int64_t> rests;
  Instant now = job.started_at + seconds(30);
  for (int check = 0; check < 40; ++check) {
    const WatchMoment moment{now, 300};
    CheckDecision decision = begin_check(job, moment, {});
    if (decision.kind == CheckDecision::Kind::ask) {
      Verdict verdict;
      verdict.kind = check % 7 < 4 ? Verdict::Kind::unknown : Verdict::Kind::alive_running;
      decision = take_verdict(job, verdict, moment, {});
    }
    if (decision.kind != CheckDecision::Kind::wait) break;
    rests.push_back(decision.next_check_after.ms);
    now = now + decision.next_check_after;
    if (is_taken_over) job.watch = watch_of_json(watch_json(job.watch).dump());
  }
  return rests;
}

TEST(watch_json, another_node_makes_the_same_checks_at_the_same_times) {
  const std::vector<std::int64_t> alone = rests_of_a_life(false);
  EXPECT_GT(alone.size(), 20U);
  EXPECT_EQ(alone, rests_of_a_life(true));
}

TEST(watch_json, what_is_not_a_machine_is_a_new_one) {
  for (const char* text :
       {"", "null", "[]", "{\"phase\": \"watching\"}", "{\"phase\": 99}", "{\"status\": -1}", "{"})
    EXPECT_EQ(watch_of_json(text).phase, WatchPhase::stopped) << text;
}

}  // namespace
}  // namespace jobwatchdog
