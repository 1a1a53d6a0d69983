// The settle decision: its laws over random cases, one complete decision table beside the code, and wrong
// decisions that the same laws must catch.
#include "core/settlement.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/property/property.hpp"
#include "tests/property/settlement_table.hpp"

namespace jobwatchdog::test {
namespace {

using Kind = Settlement::Kind;
using Said = Verdict::Kind;

/// The decision, or a wrong one in its place.
using Decide = std::function<Settlement(const SettlementCase&)>;
using Law = void (*)(const Decide&, const SettlementCase&);

constexpr int usual_count = 2'000;

Settlement decide(const SettlementCase& c) { return decide_settlement(c.rule, c.job, c.verdict, c.now); }

std::function<void()> law_over(Law law, Decide decision) {
  return [law, decision = std::move(decision)] { law(decision, *rc::gen::arbitrary<SettlementCase>()); };
}

bool settles(Kind kind) {
  return kind == Kind::settle_by_rule || kind == Kind::settle_as_succeeded || kind == Kind::settle_as_failed;
}
bool settles_as_not_done(Kind kind) { return kind == Kind::settle_by_rule || kind == Kind::settle_as_failed; }
bool is_final(const std::optional<Verdict>& verdict) {
  return verdict && (verdict->kind == Said::succeeded || verdict->kind == Said::failed);
}
bool same(const Settlement& a, const Settlement& b) {
  return a.kind == b.kind && a.refund_due == b.refund_due && a.cancel_at_provider == b.cancel_at_provider;
}

// A law is a function and a test of its name.
#define LAW(name)                                                               \
  void name(const Decide& decision, const SettlementCase& c);                   \
  TEST(settlement, name) { expect_holds(law_over(name, decide), usual_count); } \
  void name([[maybe_unused]] const Decide& decision, [[maybe_unused]] const SettlementCase& c)

LAW(money_goes_back_exactly_when_charged_not_refunded_above_zero_and_settled_as_not_done) {
  const Settlement settlement = decision(c);
  const bool is_owed = c.rule.refund && c.job.charged && !c.job.refunded && c.job.refund_amount > 0;
  RC_ASSERT((settlement.refund_due == (is_owed && settles_as_not_done(settlement.kind))));
}

LAW(success_never_pays_back_and_needs_the_providers_word) {
  const Settlement settlement = decision(c);
  if (settlement.kind != Kind::settle_as_succeeded) return;
  RC_ASSERT(!settlement.refund_due);
  RC_ASSERT(!settlement.cancel_at_provider);
  RC_ASSERT((c.rule.provider && c.job.task_id && c.verdict && c.verdict->kind == Said::succeeded));
}

LAW(a_status_that_is_not_watched_is_kept) {
  if (!is_watched(c)) RC_ASSERT(decision(c).kind == Kind::keep);
}

LAW(a_row_of_unknown_age_is_kept) {
  if (!c.job.aged_since) RC_ASSERT(decision(c).kind == Kind::keep);
}

LAW(a_row_not_older_than_the_limit_is_kept) {
  const auto age = age_of(c);
  if (age && age->ms <= c.rule.older_than.ms) RC_ASSERT(decision(c).kind == Kind::keep);
}

LAW(a_task_without_a_final_word_waits_for_the_hard_deadline) {
  const auto age = age_of(c);
  if (!c.rule.provider || !c.job.task_id || is_final(c.verdict) || !age) return;
  if (age->ms >= c.rule.provider->hard_deadline.ms) return;
  RC_ASSERT(!settles(decision(c).kind));
}

LAW(a_task_that_was_asked_about_is_settled_and_cancelled_there_from_the_hard_deadline_on) {
  const auto age = age_of(c);
  if (!c.rule.provider || !c.job.task_id || !c.verdict || is_final(c.verdict) || !age) return;
  if (!is_watched(c) || rescues_are_used_up(c) || age->ms <= c.rule.older_than.ms) return;
  if (age->ms < c.rule.provider->hard_deadline.ms) return;
  const Settlement settlement = decision(c);
  RC_ASSERT(settlement.kind == Kind::settle_by_rule);
  RC_ASSERT(settlement.cancel_at_provider);
}

LAW(nothing_is_cancelled_that_has_ended_or_never_began) {
  if (decision(c).cancel_at_provider)
    RC_ASSERT((c.rule.provider && c.job.task_id && c.verdict && !is_final(c.verdict)));
}

LAW(a_suspect_with_a_task_is_asked_about_before_anything_is_settled) {
  if (c.rule.provider && c.job.task_id && !c.verdict) RC_ASSERT(!settles(decision(c).kind));
  if (decision(c).kind == Kind::ask_provider) RC_ASSERT((c.rule.provider && c.job.task_id && !c.verdict));
}

LAW(used_up_rescues_are_reported_and_never_touched) {
  const Settlement settlement = decision(c);
  if (rescues_are_used_up(c))
    RC_ASSERT((settlement.kind == Kind::keep || settlement.kind == Kind::report_exhausted));
  RC_ASSERT((settlement.kind == Kind::report_exhausted) <= rescues_are_used_up(c));
  if (settlement.kind == Kind::report_exhausted)
    RC_ASSERT((!settlement.refund_due && !settlement.cancel_at_provider));
}

LAW(what_settles_now_still_settles_later) {
  SettlementCase later = c;
  later.now.ms += *rc::gen::inRange<std::int64_t>(0, 1'000'000'000);
  if (settles(decision(c).kind)) RC_ASSERT(settles(decision(later).kind));
}

LAW(only_the_age_counts_and_not_the_hour) {
  SettlementCase elsewhen = c;
  const auto shift_ms = *rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000);
  elsewhen.now.ms += shift_ms;
  if (elsewhen.job.aged_since) elsewhen.job.aged_since->ms += shift_ms;
  RC_ASSERT(same(decision(c), decision(elsewhen)));
}

LAW(the_same_question_has_the_same_answer) {
  RC_ASSERT(same(decision(c), decision(c)));
  RC_ASSERT(decision(c).reason == decision(c).reason);
}

LAW(names_and_words_do_not_sway_it) {
  SettlementCase renamed = c;
  renamed.job.key = "another";
  renamed.rule.name = "another";
  renamed.rule.tables.clear();
  renamed.rule.age_of = {"another"};
  if (renamed.job.task_id) renamed.job.task_id = "";
  if (renamed.verdict) renamed.verdict->code = renamed.verdict->message = "another";
  RC_ASSERT(same(decision(c), decision(renamed)));
}

LAW(every_answer_has_a_reason) { RC_ASSERT(!decision(c).reason.empty()); }

LAW(it_is_the_decision_table) { RC_ASSERT(same(decision(c), by_table(c))); }

TEST(settlement, every_combination_has_the_tables_answer_and_a_reason) {
  int visited_count = 0;
  for_every_combination([&](const SettlementCase& c) {
    ++visited_count;
    const Settlement settlement = decide(c);
    std::ostringstream words;
    showValue(c, words);
    ASSERT_TRUE(same(settlement, by_table(c))) << words.str();
    ASSERT_FALSE(settlement.reason.empty()) << words.str();
  });
  EXPECT_EQ(visited_count, 256 * 3 * 7 * 10);
}

TEST(settlement, each_row_of_the_table_answers_some_combination) {
  std::vector<int> answered_count(decision_table().size());
  for_every_combination([&](const SettlementCase& c) { ++answered_count[fitting_row(c)]; });
  EXPECT_EQ(std::count(answered_count.begin(), answered_count.end(), 0), 0);
}

// The twins: wrong decisions. Each must be caught by the law that speaks of it, and by the table.

/// The real answer, spoilt where `condition` holds.
Decide spoilt(const std::function<bool(const SettlementCase&, const Settlement&)>& condition,
              const std::function<void(Settlement&)>& spoil) {
  return [=](const SettlementCase& c) {
    Settlement settlement = decide(c);
    if (condition(c, settlement)) spoil(settlement);
    return settlement;
  };
}

/// The real answer to a spoilt question.
Decide misread(const std::function<void(SettlementCase&)>& spoil) {
  return [=](SettlementCase c) {
    spoil(c);
    return decide(c);
  };
}

void expect_both_catch(const char* fault, Law law, const Decide& wrong) {
  expect_caught(fault, law_over(law, wrong), usual_count);
  expect_caught(fault, law_over(it_is_the_decision_table, wrong), usual_count);
}

TEST(settlement_twin, wrong_money_is_caught) {
  const Law money = money_goes_back_exactly_when_charged_not_refunded_above_zero_and_settled_as_not_done;
  expect_both_catch("refunded is ignored", money, misread([](auto& c) { c.job.refunded = false; }));
  expect_both_catch("charged is ignored", money, misread([](auto& c) { c.job.charged = true; }));
  expect_both_catch("an amount of 0 is paid", money, misread([](auto& c) {
                      if (c.job.refund_amount == 0) c.job.refund_amount = 1;
                    }));
  expect_both_catch("a negative amount is paid", money,
                    misread([](auto& c) { c.job.refund_amount = std::abs(c.job.refund_amount); }));
  const auto is_success = [](const SettlementCase&, const Settlement& s) {
    return s.kind == Kind::settle_as_succeeded;
  };
  expect_both_catch("success is paid", success_never_pays_back_and_needs_the_providers_word,
                    spoilt(is_success, [](Settlement& s) { s.refund_due = true; }));
  expect_both_catch(
      "a provider's failure is not paid", money,
      spoilt([](const SettlementCase&, const Settlement& s) { return s.kind == Kind::settle_as_failed; },
             [](Settlement& s) { s.refund_due = false; }));
}

TEST(settlement_twin, wrong_limits_are_caught) {
  expect_both_catch("< for <= at older_than", a_row_not_older_than_the_limit_is_kept,
                    misread([](auto& c) { c.rule.older_than.ms -= 1; }));
  expect_both_catch("<= for < at the hard deadline",
                    a_task_that_was_asked_about_is_settled_and_cancelled_there_from_the_hard_deadline_on,
                    misread([](auto& c) {
                      if (c.rule.provider) c.rule.provider->hard_deadline.ms += 1;
                    }));
  expect_both_catch("a deadline that comes 1 ms early",
                    a_task_without_a_final_word_waits_for_the_hard_deadline, misread([](auto& c) {
                      if (c.rule.provider) c.rule.provider->hard_deadline.ms -= 1;
                    }));
  expect_both_catch("one rescue too many", used_up_rescues_are_reported_and_never_touched,
                    misread([](auto& c) { c.job.rescue_count -= 1; }));
  expect_both_catch("a row of unknown age is old", a_row_of_unknown_age_is_kept, misread([](auto& c) {
                      if (!c.job.aged_since) c.job.aged_since = Instant{0};
                    }));
}

TEST(settlement_twin, wrong_words_are_caught) {
  expect_both_catch("silence is failure", a_task_without_a_final_word_waits_for_the_hard_deadline,
                    misread([](auto& c) {
                      if (c.verdict && c.verdict->kind == Said::unknown) c.verdict->kind = Said::failed;
                    }));
  expect_both_catch("an unknown task is failure", a_task_without_a_final_word_waits_for_the_hard_deadline,
                    misread([](auto& c) {
                      if (c.verdict && c.verdict->kind == Said::not_found) c.verdict->kind = Said::failed;
                    }));
  expect_both_catch("nobody asks", a_suspect_with_a_task_is_asked_about_before_anything_is_settled,
                    misread([](auto& c) { c.job.task_id.reset(); }));
  expect_both_catch("nobody cancels",
                    a_task_that_was_asked_about_is_settled_and_cancelled_there_from_the_hard_deadline_on,
                    spoilt([](const SettlementCase&, const Settlement&) { return true; },
                           [](Settlement& s) { s.cancel_at_provider = false; }));
  expect_both_catch("every status is watched", a_status_that_is_not_watched_is_kept,
                    misread([](auto& c) { c.rule.stuck_in.push_back(c.job.status); }));
}

TEST(settlement_twin, a_decision_that_looks_elsewhere_is_caught) {
  const auto never_a = [](const SettlementCase& c, const Settlement&) { return c.job.key == "ä"; };
  expect_both_catch("the key sways it", names_and_words_do_not_sway_it,
                    spoilt(never_a, [](Settlement& s) { s.kind = Kind::keep; }));
  const auto on_even_days = [](const SettlementCase& c, const Settlement&) {
    return c.now.ms / 86'400'000 % 2 == 0;
  };
  expect_both_catch("the day sways it", only_the_age_counts_and_not_the_hour,
                    spoilt(on_even_days, [](Settlement& s) { s.kind = Kind::keep; }));
  const auto old = [](const SettlementCase& c, const Settlement&) {
    return age_of(c) && age_of(c)->ms > c.rule.older_than.ms + 1;
  };
  expect_both_catch("what is very old is forgotten", what_settles_now_still_settles_later,
                    spoilt(old, [](Settlement& s) { s.kind = Kind::keep; }));
  int asked_count = 0;
  const auto now_and_then = [asked_count](const SettlementCase&, const Settlement&) mutable {
    return ++asked_count % 2 == 0;
  };
  expect_caught("it remembers",
                law_over(the_same_question_has_the_same_answer, spoilt(now_and_then,
                                                                       [](Settlement& s) {
                                                                         s.kind = s.kind == Kind::keep
                                                                                      ? Kind::settle_by_rule
                                                                                      : Kind::keep;
                                                                       })),
                usual_count);
  expect_caught("it says nothing",
                law_over(every_answer_has_a_reason,
                         spoilt([](const SettlementCase& c, const Settlement&) { return !c.job.aged_since; },
                                [](Settlement& s) { s.reason.clear(); })),
                usual_count);
  expect_caught("it cancels what has ended",
                law_over(nothing_is_cancelled_that_has_ended_or_never_began,
                         spoilt([](const SettlementCase&,
                                   const Settlement& s) { return s.kind == Kind::settle_as_failed; },
                                [](Settlement& s) { s.cancel_at_provider = true; })),
                usual_count);
}

}  // namespace
}  // namespace jobwatchdog::test
