// The SQL that a rule compiles to, against a table in memory: sweeps side by side and workers in between, in
// random orders, on a real PostgreSQL. Faults planted in the SQL must be found by the same property.
#include <gtest/gtest.h>

#include <regex>

#include "core/rule_validation.hpp"
#include "tests/property/interleaving.hpp"
#include "tests/property/property.hpp"

namespace jobwatchdog::test {
namespace {

constexpr int usual_count = 200;
constexpr int twin_count_max = 3 * usual_count;  ///< A fault ends them, most within the first few.

Step random_step(const TableSetup& setup) {
  using Kind = Step::Kind;
  Step step;
  step.kind = *rc::gen::weightedElement<Kind>({{24, Kind::sweep},
                                               {1, Kind::kill_sweep},
                                               {2, Kind::set_status},
                                               {4, Kind::set_age},
                                               {1, Kind::set_task},
                                               {1, Kind::set_charged},
                                               {1, Kind::remove},
                                               {1, Kind::insert},
                                               {2, Kind::cancel},
                                               {2, Kind::hold},
                                               {2, Kind::end_hold}});
  step.sweep = *rc::gen::inRange(0, sweep_count);
  step.insists = one_in(2);
  step.takes = one_in(2);
  if (step.kind == Kind::sweep || step.kind == Kind::kill_sweep || step.kind == Kind::end_hold) return step;
  step.pick = *rc::gen::inRange<std::size_t>(0, 60);
  step.other = random_row(setup, pass_gap * step.sweep, 1);
  return step;
}

/// A list that shrinks by leaving out, of things drawn at full size.
template <typename Value>
std::vector<Value> random_list(int length_max, const std::function<Value()>& draw) {
  const auto one = rc::gen::resize(rc::kNominalSize, rc::gen::exec(draw));
  return *rc::gen::resize(length_max, rc::gen::container<std::vector<Value>>(one));
}

/// A row that many sweeps want at once: owed to the same user as its neighbours.
Row owed_row(Row row) {
  row.user = "ana";
  row.amount = 10;
  row.charged = true;
  row.refunded.reset();
  return row;
}

SweepCase random_sweep_case(KeyType key_type) {
  SweepCase c;
  c.setup = random_setup(key_type);
  const bool is_crowded = one_in(2);
  c.setup.meaning.refunds = c.setup.meaning.refunds || is_crowded;
  // Captured by value: what shrinks is drawn again later.
  const auto row = [setup = c.setup, is_crowded] {
    const Row drawn = random_row(setup, pass_gap * *rc::gen::inRange(0, sweep_count), 1);
    return is_crowded ? owed_row(drawn) : drawn;
  };
  c.rows = random_list<Row>(one_in(4) ? 60 : 15, row);
  c.steps = random_list<Step>(one_in(4) ? 20 : 120, [setup = c.setup] { return random_step(setup); });
  c.page_size =
      is_crowded ? *rc::gen::element<std::size_t>(1, 2, 3) : *rc::gen::element<std::size_t>(1, 3, 7, 20, 100);
  c.last_sweep_takes = one_in(2);
  return c;
}

using Spoil = std::function<void(CompiledRule&)>;

/// One database for all cases of a property.
class compiled_sql : public testing::Test {
 protected:
  std::function<void()> property(KeyType key_type, const Spoil& spoil = nullptr, bool compares_facts = true) {
    return [this, key_type, spoil, compares_facts] {
      const auto c = *rc::gen::resize(rc::kNominalSize,
                                      rc::gen::exec([key_type] { return random_sweep_case(key_type); }));
      const Rule rule = rule_of(c.setup);
      RC_ASSERT(validate_rule(rule).empty());
      CompiledRule compiled = compile_rule(rule, c.setup.names().table);
      if (spoil) spoil(compiled);
      interleaving_.play(c, compiled, compares_facts);
    };
  }

  void expect_foretold(KeyType key_type) {
    expect_holds(property(key_type), usual_count);
    for (const char* what :
         {"a commit", "a commit of a taken page", "a refund", "a refusal", "a refusal of a taken row",
          "a refund that waits", "a worker that waits", "a cancel that pays", "a row that is left to others",
          "a row that a take leaves to others", "a row that waits for the provider",
          "a lock that an amount refuses", "a take that an amount refuses"})
      EXPECT_GT(interleaving_.happened(what), 0) << "no case has " << what;
  }

  void expect_found(const char* fault, const char* words, const Spoil& spoil, bool compares_facts = true) {
    bool is_planted = false;
    const Spoil watched = [&](CompiledRule& compiled) {
      const CompiledRule before = compiled;
      spoil(compiled);
      is_planted = is_planted || before.take != compiled.take || before.find != compiled.find ||
                   before.lock != compiled.lock || before.settle != compiled.settle ||
                   before.refund != compiled.refund || before.rest != compiled.rest;
    };
    expect_caught(fault, property(KeyType::bigint, watched, compares_facts), twin_count_max, words);
    EXPECT_TRUE(is_planted) << "the text that \"" << fault << "\" would change is not there";
  }

  Database database_ = Database::empty();
  RealTable table_{database_};
  Interleaving interleaving_{database_, table_};
};

TEST_F(compiled_sql, does_step_by_step_what_the_model_foretells_with_bigint_keys) {
  expect_foretold(KeyType::bigint);
}
TEST_F(compiled_sql, does_step_by_step_what_the_model_foretells_with_uuid_keys) {
  expect_foretold(KeyType::uuid);
}
TEST_F(compiled_sql, does_step_by_step_what_the_model_foretells_with_text_keys) {
  expect_foretold(KeyType::text);
}

/// Replaces the first match; `$` has its meaning of std::regex_replace.
void replace(std::string& sql, const std::string& pattern, const std::string& by) {
  sql = std::regex_replace(sql, std::regex{pattern}, by, std::regex_constants::format_first_only);
}

class compiled_sql_twin : public compiled_sql {};

TEST_F(compiled_sql_twin, a_lock_without_the_status_guard_is_found) {
  expect_found("lock takes every status", "lock gave",
               [](CompiledRule& c) { replace(c.lock, "IN \\(.*\\)\n  AND ", "IS NOT NULL\n  AND "); });
}

TEST_F(compiled_sql_twin, a_lock_without_the_age_guards_is_found) {
  expect_found("lock takes every age", "lock gave", [](CompiledRule& c) {
    replace(c.lock, "< \\$1::timestamptz - interval", "< $$1::timestamptz + interval");
    replace(c.lock, "BETWEEN \\$3::timestamptz AND \\$4::timestamptz",
            "BETWEEN LEAST($$3::timestamptz, '-infinity') AND GREATEST($$4::timestamptz, 'infinity')");
  });
}

TEST_F(compiled_sql_twin, a_lock_that_waits_is_found) {
  expect_found("no SKIP LOCKED", "lock timeout",
               [](CompiledRule& c) { replace(c.lock, " SKIP LOCKED", ""); });
}

TEST_F(compiled_sql_twin, a_lock_that_locks_nothing_is_found) {
  expect_found("lock has no FOR UPDATE", "(take|lock) gave|the worker did not wait",
               [](CompiledRule& c) { replace(c.lock, "FOR UPDATE SKIP LOCKED", ""); });
}

TEST_F(compiled_sql_twin, a_take_without_the_status_guard_is_found) {
  expect_found("take takes every status", "take gave|take: .*NaN",
               [](CompiledRule& c) { replace(c.take, "IN \\(.*\\)\n  AND ", "IS NOT NULL\n  AND "); });
}

TEST_F(compiled_sql_twin, a_take_without_the_age_guard_is_found) {
  expect_found("take takes every age", "take gave|take: .*NaN", [](CompiledRule& c) {
    replace(c.take, "< \\$1::timestamptz - interval", "< $$1::timestamptz + interval");
  });
}

TEST_F(compiled_sql_twin, a_take_that_waits_is_found) {
  expect_found("take has no SKIP LOCKED", "take: .*lock timeout",
               [](CompiledRule& c) { replace(c.take, " SKIP LOCKED", ""); });
}

TEST_F(compiled_sql_twin, a_take_that_locks_nothing_is_found) {
  expect_found("take has no FOR UPDATE", "(take|lock) gave|the worker did not wait",
               [](CompiledRule& c) { replace(c.take, "FOR UPDATE SKIP LOCKED", ""); });
}

TEST_F(compiled_sql_twin, a_take_that_asks_no_provider_is_found) {
  expect_found("take does not wait for the provider", "take gave|take: .*NaN", [](CompiledRule& c) {
    replace(c.take, "\n  AND \\([^\n]* IS NULL OR ([^\n]* interval '[0-9]+ milliseconds')\\)",
            "\n  AND (true OR $1)");
  });
}

TEST_F(compiled_sql_twin, a_take_without_the_cap_of_rescues_is_found) {
  expect_found("take counts no rescues", "take gave|take: .*NaN",
               [](CompiledRule& c) { replace(c.take, "\n  AND COALESCE\\([^\n]*, 0\\) < [0-9]+", ""); });
}

TEST_F(compiled_sql_twin, a_take_from_the_beginning_is_found) {
  expect_found("take has no cursor", "take gave|take: .*NaN",
               [](CompiledRule& c) { replace(c.take, "\\(\\$2::timestamptz IS NULL OR", "(true OR"); });
}

TEST_F(compiled_sql_twin, a_take_that_begins_with_the_last_row_is_found) {
  expect_found("take begins one row early", "take gave|take: .*NaN",
               [](CompiledRule& c) { replace(c.take, "\\) > \\(\\$2", ") >= ($$2"); });
}

TEST_F(compiled_sql_twin, a_take_in_the_order_of_keys_is_found) {
  expect_found("take follows the key", "take gave",
               [](CompiledRule& c) { replace(c.take, "ORDER BY [^\n]*, ", "ORDER BY "); });
}

TEST_F(compiled_sql_twin, a_take_that_tells_an_amount_where_there_is_none_is_found) {
  expect_found("take cuts amounts", "take gave an amount that is no number", [](CompiledRule& c) {
    replace(c.take, "ceil\\((COALESCE\\(.*, 0\\))\\)::bigint AS refund_amount",
            "ceil(LEAST($1, 1000000000000000))::bigint AS refund_amount");
  });
}

TEST_F(compiled_sql_twin, a_rest_that_asks_no_provider_is_found) {
  expect_found("what waits is told as settleable", "rest tells of [0-9]+ settleable", [](CompiledRule& c) {
    replace(c.rest, "FILTER \\(WHERE NOT \\([^\n]*\\)\\) AS settleable", "AS settleable");
  });
}

TEST_F(compiled_sql_twin, a_rest_that_tells_the_newest_is_found) {
  expect_found("rest tells the newest row", "rest tells of another oldest row",
               [](CompiledRule& c) { replace(c.rest, "FROM min\\(", "FROM max("); });
}

TEST_F(compiled_sql_twin, a_second_payment_is_found_by_its_outcome) {
  expect_found(
      "refunded is not looked at", "other payments were made|was paid for twice|lock timeout",
      [](CompiledRule& c) {
        for (std::string* sql : {&c.take, &c.lock})
          replace(*sql, "([^ ]+|t\\.\"[^\"]*\") AS refunded", "false AS refunded");
      },
      false);
}

TEST_F(compiled_sql_twin, a_payment_that_is_not_marked_is_found) {
  expect_found("refunded is not set", "the row is|gave|was paid for twice",
               [](CompiledRule& c) { replace(c.settle, "THEN true", "THEN false"); });
}

TEST_F(compiled_sql_twin, a_page_that_begins_with_the_last_row_is_found) {
  expect_found("the page begins one row early", "find gave",
               [](CompiledRule& c) { replace(c.find, "\\) > \\(\\$2", ") >= ($$2"); });
}

TEST_F(compiled_sql_twin, a_page_in_the_order_of_keys_is_found) {
  expect_found("pages follow the key", "find gave",
               [](CompiledRule& c) { replace(c.find, "ORDER BY [^\n]*, ", "ORDER BY "); });
}

TEST_F(compiled_sql_twin, an_age_by_the_last_column_is_found) {
  expect_found("the newest age counts", "find gave|lock gave", [](CompiledRule& c) {
    c.find = std::regex_replace(c.find, std::regex{"COALESCE\\((t\\.[^,]*, t\\.)"}, "GREATEST($1");
  });
}

TEST_F(compiled_sql_twin, an_infinite_age_is_found) {
  expect_found("no isfinite", "find gave",
               [](CompiledRule& c) { replace(c.find, "\n  AND isfinite\\([^\n]*\\)\n", "\n"); });
}

TEST_F(compiled_sql_twin, a_settled_neighbour_is_found) {
  expect_found("settle writes all rows", "wrote other rows|lock timeout",
               [](CompiledRule& c) { replace(c.settle, "= ANY \\(\\$1\\)", "<> ALL ($$1)"); });
}

}  // namespace
}  // namespace jobwatchdog::test
