// The watch list: one wake-up, one batched ask, and what holds for the page.
#include "core/watch_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jobwatchdog {
namespace {

using Kind = WatchEvent::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

Instant at(std::int64_t seconds_since_begin) { return Instant{seconds_since_begin * 1'000}; }

int watch(WatchList& list, Instant now) {
  const int key = add_job(list);
  step_job(list, key, {.kind = Kind::watch, .status = JobStatus::running}, {now});
  return key;
}

void answer(WatchList& list, int key, Instant now) {
  step_job(list, key,
           {.kind = Kind::reply,
            .request_number = list.jobs[static_cast<std::size_t>(key)].state.in_flight,
            .reason = SyncReason::still_processing,
            .server_now = now},
           {now});
}

int asked(const WatchList& list, int key) { return list.jobs[static_cast<std::size_t>(key)].actions.ask; }

TEST(watch_list, has_one_wake_up_the_earliest) {
  WatchList list;
  EXPECT_EQ(wake_at(list), std::nullopt);
  watch(list, at(7));
  watch(list, at(2));
  watch(list, at(9));
  EXPECT_EQ(wake_at(list), at(32));
}

TEST(watch_list, asks_for_all_who_are_due_and_takes_along_who_nearly_is) {
  WatchList list;
  const int first = watch(list, at(0));
  const int second = watch(list, at(0));
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(30)}), ElementsAre(first, second));
  answer(list, first, at(31));
  answer(list, second, at(35));
  // One is due at 46, the other at 50.
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(45)}), IsEmpty());
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(46)}), ElementsAre(first, second));
  EXPECT_EQ(asked(list, second), 2);
}

TEST(watch_list, does_not_take_along_who_has_time_or_rests_before_the_first_check) {
  WatchList list;
  const int first = watch(list, at(0));
  const int second = watch(list, at(2));   // Its first check is at 32.
  const int third = watch(list, at(-20));  // Its first check is at 10.
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(10)}), ElementsAre(third));
  answer(list, third, at(24));  // Due at 39.
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(30)}), ElementsAre(first));
  EXPECT_EQ(asked(list, second), 0);
}

TEST(watch_list, steps_nobody_who_is_not_due) {
  WatchList list;
  const int key = watch(list, at(0));
  const Duration lived = list.jobs[static_cast<std::size_t>(key)].state.lived;
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(10)}), IsEmpty());
  EXPECT_EQ(list.jobs[static_cast<std::size_t>(key)].state.lived, lived);
}

TEST(watch_list, goes_on_when_the_clock_jumped_back) {
  WatchList list;
  const int key = watch(list, at(100'000));
  // The timer fired after 30 s, but the clock says that it is yesterday: once more the same rest, no longer.
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(13'630)}), IsEmpty());
  EXPECT_EQ(wake_at(list), at(13'660));
  EXPECT_THAT(step_all(list, {.kind = Kind::tick}, {at(13'660)}), ElementsAre(key));
}

TEST(watch_list, what_holds_for_the_page_holds_for_all_and_for_who_comes_later) {
  WatchList list;
  const int first = watch(list, at(0));
  EXPECT_THAT(step_all(list, {.kind = Kind::hidden}, {at(1)}), ElementsAre(first));
  const int second = watch(list, at(2));
  EXPECT_EQ(list.jobs[static_cast<std::size_t>(second)].state.paused, PauseReason::hidden);
  EXPECT_EQ(wake_at(list), std::nullopt);
  EXPECT_THAT(step_all(list, {.kind = Kind::visible}, {at(3)}), ElementsAre(first, second));
  EXPECT_EQ(wake_at(list), at(30));
}

TEST(watch_list, gives_the_place_of_a_removed_job_to_the_next_with_nothing_left_of_it) {
  WatchList list;
  const int first = watch(list, at(0));
  watch(list, at(0));
  step_job(list, first, {.kind = Kind::stop}, {at(1)});
  remove_job(list, first);
  EXPECT_EQ(wake_at(list), at(30));
  const int third = add_job(list);
  EXPECT_EQ(third, first);
  EXPECT_EQ(list.jobs[static_cast<std::size_t>(third)].state.phase, WatchPhase::stopped);
  EXPECT_EQ(list.jobs.size(), 2U);
}

TEST(watch_list, keeps_no_texts_of_an_event_that_is_gone) {
  WatchList list;
  const int key = watch(list, at(0));
  const std::string url = "https://cdn.example/out.png";
  const WatchActions actions =
      step_job(list, key, {.kind = Kind::reply, .status = JobStatus::completed, .output_url = url}, {at(1)});
  ASSERT_TRUE(actions.report);
  EXPECT_EQ(actions.report->output_url, url);
  EXPECT_EQ(list.jobs[static_cast<std::size_t>(key)].actions.report->output_url, "");
}

}  // namespace
}  // namespace jobwatchdog
