// The whole binary over random tables: its counts, its lists, the rows, the balances and the payments are
// those that the model foretells, whatever the size of a batch and wherever the poison sits.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/rule_text.hpp"
#include "tests/native/strange_database.hpp"
#include "tests/property/property.hpp"
#include "tests/property/real_table.hpp"

namespace jobwatchdog::test {
namespace {

constexpr int usual_count = 100;
constexpr Micros hour = 3'600'000'000;

/// The sweep reads its clock after the case was made; no age lies between the two.
constexpr Micros sweep_moment = 1'000'000;

/// What a trigger does to an update of a row that bears this as its note.
const std::vector<std::string>& poisonous_notes() {
  static const std::vector<std::string> notes{"raise", "swallow", "revert"};
  return notes;
}

struct WholeCase {
  TableSetup setup;
  std::vector<Row> rows;
  int batch_size{1};
  int held_every{0};  ///< Of so many rows one is held by somebody else while the sweep runs; 0 = none.
};

/// rapidcheck prints a counterexample with this.
void showValue(const WholeCase& c, std::ostream& out) {
  out << rule_as_toml(rule_of(c.setup)) << c.setup.status_type << ", " << c.setup.amount_type
      << ", batches of " << c.batch_size << ", one row held of every " << c.held_every << ", rows:";
  for (const Row& row : c.rows) out << "\n  " << words_of(row);
}

Row random_poisonous_row(const TableSetup& setup) {
  Row row = random_row(setup, 0, hour);
  if (one_in(10)) row.note = *rc::gen::elementOf(poisonous_notes());
  if (one_in(10)) row.user = "raises";
  return row;
}

WholeCase random_whole_case() {
  WholeCase c;
  c.setup = random_setup(*rc::gen::element(KeyType::bigint, KeyType::uuid, KeyType::text));
  const auto row = rc::gen::exec([setup = c.setup] { return random_poisonous_row(setup); });
  c.rows = *rc::gen::resize(60, rc::gen::container<std::vector<Row>>(rc::gen::resize(rc::kNominalSize, row)));
  c.batch_size = *rc::gen::element(1, 2, 3, 5, 8, 16, 60, 1'000);
  c.held_every = *rc::gen::element(0, 0, 2, 5);
  return c;
}

/// What a sweep comes to, and what it leaves in `model`.
struct Forecast {
  std::multiset<std::string> settled;
  std::multiset<std::string> isolated;
  std::int64_t found_count{0};
  std::int64_t kept_count{0};
  std::int64_t missed_count{0};
  std::int64_t exhausted_count{0};
  std::int64_t refunded_count{0};
  std::int64_t refunded_credits{0};
  std::optional<Micros> oldest;
};

using Keys = std::set<std::string>;

bool is_poisonous(const TableModel& model, const Row& row) {
  const auto& notes = poisonous_notes();
  if (row.note && std::find(notes.begin(), notes.end(), *row.note) != notes.end()) return true;
  return model.is_due(row) && model.answer_for(row) != Answer::paid;
}

/// A rehearsal (--dry-run) tries nothing, so it knows no poison and nobody who holds rows, and leaves all as
/// it is. An amount that is no number is met before anybody's hold is.
Forecast forecast(TableModel& model, bool is_rehearsal, const Keys& held = {}) {
  Forecast forecast;
  for (auto& [key, row] : model.rows) {
    if (!model.is_old_and_watched(row, sweep_moment)) continue;
    if (model.is_exhausted(row)) {
      ++forecast.exhausted_count;
      continue;
    }
    ++forecast.found_count;
    forecast.oldest = std::min(forecast.oldest.value_or(infinity), *model.age_of(row));
    if (!model.is_settled(row, sweep_moment)) {
      ++forecast.kept_count;
    } else if (!is_rehearsal && model.is_senseless(row)) {
      forecast.isolated.insert(key);
    } else if (!is_rehearsal && held.contains(key)) {
      ++forecast.missed_count;
    } else if (!is_rehearsal && is_poisonous(model, row)) {
      forecast.isolated.insert(key);
    } else {
      forecast.settled.insert(key);
      if (model.is_due(row)) {
        ++forecast.refunded_count;
        forecast.refunded_credits += model.is_senseless(row) ? told_beyond_sense : *row.amount;
        if (!is_rehearsal) model.pay({*row.user, *row.amount});
      }
      if (!is_rehearsal) row = model.settled(row);
    }
  }
  return forecast;
}

std::multiset<std::string> ids_of(const nlohmann::json& rows) {
  std::multiset<std::string> ids;
  for (const auto& row : rows) ids.insert(row["id"].get<std::string>());
  return ids;
}

/// A trigger that somebody put there. It looks at the row as it was.
std::string guard_sql(const TableSetup& setup, const std::string& table) {
  const std::string note = "(to_jsonb(OLD) ->> " + quote_literal(setup.names().note) + ")";
  const std::string status = quote_identifier(setup.names().status);
  return "CREATE OR REPLACE FUNCTION public.guard() RETURNS trigger LANGUAGE plpgsql AS $guard$ BEGIN IF " +
         note + " = 'raise' THEN RAISE EXCEPTION 'legal hold'; END IF; IF " + note +
         " = 'swallow' THEN RETURN NULL; END IF; IF " + note + " = 'revert' THEN NEW." + status + " := OLD." +
         status + "; END IF; RETURN NEW; END $guard$; CREATE TRIGGER guard BEFORE UPDATE ON " + table +
         " FOR EACH ROW EXECUTE FUNCTION public.guard();";
}

class whole_sweep : public testing::Test {
 protected:
  std::function<void()> property(const std::function<void(Forecast&)>& spoil = nullptr) {
    return [this, spoil] {
      const auto c = *rc::gen::resize(rc::kNominalSize, rc::gen::exec(random_whole_case));
      TableModel model{c.setup.meaning, c.setup.key_type};
      model.accounts = starting_accounts();
      int number = 0;
      Keys held;
      for (Row row : c.rows) {
        row.key = key_of(c.setup.key_type, number++);
        model.rows[row.key] = row;
        if (c.held_every > 0 && number % c.held_every == 0) held.insert(row.key);
      }
      table_.make(c.setup, model, table_.query("SELECT now() AS now").text(0, "now"));
      table_.run(guard_sql(c.setup, table_.table()));
      const ConfigFile config{rule_as_toml(rule_of(c.setup))};
      expect_sweep(config, c, forecast(model, true), {"--dry-run"});
      Forecast expected = forecast(model, false, held);
      count(expected);
      if (spoil) spoil(expected);
      {
        const Transaction hold = hold_rows(c.setup, held);
        expect_sweep(config, c, expected, {});
      }
      expect_left(model);
      expect_sweep(config, c, forecast(model, false), {});
      expect_left(model);
    };
  }

  void count(const Forecast& expected) {
    happened_["settled"] += static_cast<std::int64_t>(expected.settled.size());
    happened_["isolated"] += static_cast<std::int64_t>(expected.isolated.size());
    happened_["kept"] += expected.kept_count;
    happened_["missed"] += expected.missed_count;
    happened_["exhausted"] += expected.exhausted_count;
    happened_["refunded"] += expected.refunded_count;
  }

  /// Until the transaction that is given ends.
  Transaction hold_rows(const TableSetup& setup, const Keys& keys) {
    Transaction hold = demand_value(holder_.begin({.idle_timeout = Duration{0}}));
    demand_value(hold.query("SELECT FROM " + table_.table() + " WHERE " +
                                quote_identifier(setup.names().key) + "::text = ANY ($1) FOR UPDATE",
                            {array_literal({keys.begin(), keys.end()})}));
    return hold;
  }

  void expect_sweep(const ConfigFile& config, const WholeCase& c, const Forecast& expected,
                    std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"sweep", "--json", "--batch-size", std::to_string(c.batch_size)});
    const ProcessResult result = run_with(database_, config, arguments);
    const auto json = nlohmann::json::parse(result.out, nullptr, false);
    const auto context = result.err + result.out;
    if (json.is_discarded()) RC_FAIL(context);
    const auto& table = json["rules"][0]["tables"][0];
    RC_LOG(context);
    RC_ASSERT(table["problems"].empty());
    RC_ASSERT(table["found_count"] == expected.found_count);
    RC_ASSERT(table["kept_count"] == expected.kept_count);
    RC_ASSERT(table["exhausted_count"] == expected.exhausted_count);
    RC_ASSERT(table["missed_count"] == expected.missed_count);
    expect_oldest(table["oldest_age_ms"], expected.oldest);
    RC_ASSERT(ids_of(table["isolated"]) == expected.isolated);
    RC_ASSERT(ids_of(table["settled"]) == expected.settled);
    RC_ASSERT(table["isolated_count"] == static_cast<std::int64_t>(expected.isolated.size()));
    RC_ASSERT(table["settled_count"] == static_cast<std::int64_t>(expected.settled.size()));
    RC_ASSERT(table["refunded_count"] == expected.refunded_count);
    RC_ASSERT(table["refunded_credits"] == expected.refunded_credits);
    RC_ASSERT(result.exit_code == (expected.isolated.empty() ? 0 : 6));
  }

  /// The sweep reads its clock a while after the case was made.
  static void expect_oldest(const nlohmann::json& oldest_age_ms, const std::optional<Micros>& oldest) {
    RC_ASSERT(oldest_age_ms.is_null() == !oldest);
    if (!oldest) return;
    const std::int64_t while_ms = oldest_age_ms.get<std::int64_t>() + floor_ms(*oldest);
    RC_ASSERT(while_ms >= 0);
    RC_ASSERT(while_ms < floor_ms(hour / 2));
  }

  void expect_left(TableModel& model) {
    const auto rows = table_.rows(1, hour / 2);
    RC_ASSERT(rows.size() == model.rows.size());
    for (const auto& [key, row] : rows) RC_ASSERT(words_of(row) == words_of(model.rows.at(key)));
    std::sort(model.payments.begin(), model.payments.end());
    RC_ASSERT((table_.payments() == model.payments));
    RC_ASSERT((table_.accounts() == model.accounts));
  }

  Database database_ = Database::empty();
  RealTable table_{database_};
  Connection holder_ = connected(database_);
  std::map<std::string, std::int64_t> happened_;
};

TEST_F(whole_sweep, does_what_the_model_foretells) {
  expect_holds(property(), usual_count);
  for (const char* what : {"settled", "isolated", "kept", "missed", "exhausted", "refunded"})
    EXPECT_GT(happened_[what], usual_count / 20) << "the cases hold too few rows that are " << what;
}

TEST_F(whole_sweep, twin_a_poison_row_that_is_not_isolated_is_noticed) {
  expect_caught("one isolated row less", property([](Forecast& expected) {
                  if (!expected.isolated.empty()) expected.isolated.erase(expected.isolated.begin());
                }),
                usual_count, "isolated");
}

TEST_F(whole_sweep, twin_a_row_that_others_hold_is_counted) {
  expect_caught("one missed row more", property([](Forecast& expected) { ++expected.missed_count; }),
                usual_count, "missed_count");
}

TEST_F(whole_sweep, twin_a_credit_too_many_is_noticed) {
  expect_caught("one credit more", property([](Forecast& expected) { ++expected.refunded_credits; }),
                usual_count, "refunded_credits");
}

}  // namespace
}  // namespace jobwatchdog::test
