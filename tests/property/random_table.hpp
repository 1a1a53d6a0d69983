/// Random watched tables: a rule's meaning, rows that like its limits, users with accounts, and names and
/// texts that like to end a quote.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "core/rule.hpp"
#include "core/spelling.hpp"
#include "tests/property/table_model.hpp"

namespace jobwatchdog::test {

/// What everything is called.
struct Names {
  QualifiedName table;
  std::string key, status, task, account, rescues, user, amount, charged, refunded, note, finished;
  std::array<std::string, 3> ages;
};

inline const Names& plain_names() {
  static const Names names{{"public", "jobs"},
                           "id",
                           "status",
                           "task_id",
                           "api_account",
                           "rescues",
                           "user_id",
                           "cost",
                           "charged",
                           "refunded",
                           "note",
                           "ended",
                           {"a_at", "b_at", "c_at"}};
  return names;
}

inline const Names& hostile_names() {
  static const Names names{{"Clí\"nica", "Exames; -- 'Lab'\\"},
                           "Có\"digo",
                           "Situ'ação",
                           "ta\\sk",
                           "select",
                           "$1",
                           "us er",
                           "cu\"\"sto",
                           "co;brado",
                           "--estornado",
                           "no\nta",
                           "/*fim*/",
                           {"A em", "%s", "now()"}};
  return names;
}

/// How a case is set up, besides its rows.
struct TableSetup {
  KeyType key_type{KeyType::bigint};
  bool has_hostile_names{false};
  std::string status_type;  ///< As in CREATE TABLE; "enum" = one of its own.
  std::string amount_type;
  bool has_senseless_amounts{false};  ///< Some amounts are no numbers at all; only where the type has such.
  Meaning meaning;

  [[nodiscard]] const Names& names() const { return has_hostile_names ? hostile_names() : plain_names(); }
};

inline const std::vector<std::string>& all_statuses() {
  static const std::vector<std::string> statuses{"running", "it's",   "Em Análise", "a\\\"b", "$1",
                                                 "done",    "failed", "fa'il\\ed",  "'; --"};
  return statuses;
}

inline const std::string hostile_text = "it's \"\\over\\\"; DROP TABLE jobs; -- ä\n$1 {NULL,\"}";

/// The rule that says what the setup means.
inline Rule rule_of(const TableSetup& setup) {
  const Meaning& meaning = setup.meaning;
  const Names& names = setup.names();
  Rule rule;
  rule.name = "random";
  rule.tables = {names.table};
  rule.key = names.key;
  rule.status = names.status;
  rule.stuck_in = meaning.stuck_in;
  for (std::size_t i = 0; i < meaning.age_count; ++i) rule.age_of.push_back(names.ages[i]);
  rule.older_than = milliseconds(meaning.older_than / 1000);
  rule.set = {{names.status, Assignment::Kind::literal, meaning.settled_as}};
  if (meaning.note == Touch::literal)
    rule.set.push_back({names.note, Assignment::Kind::literal, meaning.note_text});
  if (meaning.note == Touch::clear) rule.set.push_back({names.note, Assignment::Kind::null, ""});
  if (meaning.finished == Touch::now)
    rule.set.push_back({names.finished, Assignment::Kind::database_now, ""});
  if (meaning.finished == Touch::clear) rule.set.push_back({names.finished, Assignment::Kind::null, ""});
  if (meaning.restarts_age) rule.set.push_back({names.ages[0], Assignment::Kind::database_now, ""});
  if (meaning.counts_rescues) rule.rescue_count = names.rescues;
  rule.rescues_max = static_cast<int>(meaning.rescues_max);
  if (meaning.hard_deadline)
    rule.provider = ProviderLink{
        "runninghub",
        names.task,
        names.account,
        milliseconds(*meaning.hard_deadline / 1000),
        {{names.status, Assignment::Kind::literal, "done"}, {names.note, Assignment::Kind::output_url, ""}}};
  if (meaning.refunds)
    rule.refund = Refund{QualifiedName{"public", "pay back"},
                         names.user,
                         names.amount,
                         names.charged,
                         names.refunded,
                         hostile_text};
  return rule;
}

template <typename Value>
std::optional<Value> maybe(const rc::Gen<Value>& value) {
  return *rc::gen::inRange(0, 5) == 0 ? std::nullopt : std::optional<Value>{*value};
}

inline bool one_in(int count) { return *rc::gen::inRange(0, count) == 0; }

inline Meaning random_meaning() {
  Meaning meaning;
  const auto stuck_count = *rc::gen::inRange<std::size_t>(1, 6);
  meaning.stuck_in.assign(all_statuses().begin(),
                          all_statuses().begin() + static_cast<std::ptrdiff_t>(stuck_count));
  meaning.settled_as = all_statuses()[*rc::gen::inRange<std::size_t>(5, all_statuses().size())];
  meaning.age_count = *rc::gen::inRange<std::size_t>(1, 4);
  meaning.older_than = 1'000 * *rc::gen::element<Micros>(1, 1'000, 600'000, 86'400'000);
  if (one_in(2))
    meaning.hard_deadline = meaning.older_than + 1'000 * *rc::gen::element<Micros>(0, 1, 120'000, 18'000'000);
  meaning.counts_rescues = one_in(2);
  if (meaning.counts_rescues && one_in(2)) meaning.rescues_max = *rc::gen::inRange(1, 4);
  meaning.refunds = !one_in(4);
  meaning.note = *rc::gen::element(Touch::leave, Touch::literal, Touch::clear);
  meaning.note_text = *rc::gen::element<std::string>("late", "", hostile_text);
  meaning.finished = *rc::gen::element(Touch::leave, Touch::now, Touch::clear);
  meaning.restarts_age = one_in(4);
  return meaning;
}

inline TableSetup random_setup(KeyType key_type) {
  TableSetup setup;
  setup.key_type = key_type;
  setup.has_hostile_names = one_in(2);
  setup.status_type =
      *rc::gen::element<std::string>("text", "varchar(40)", "char(12)", "public.word", "enum");
  setup.amount_type = *rc::gen::element<std::string>("integer", "bigint", "numeric", "numeric(12,2)");
  setup.has_senseless_amounts = setup.amount_type.starts_with("numeric") && one_in(2);
  setup.meaning = random_meaning();
  return setup;
}

/// Every key of a case is another one: `number` counts them.
inline std::string key_of(KeyType type, int number) {
  static const std::vector<std::string> beginnings{"k",  "K", "'",    "\"", "{", ",",
                                                   "\\", "ä", "NULL", " ",  "😀"};
  const int scattered = (number * 37) % 101 - 50;
  if (type == KeyType::bigint) return std::to_string(scattered * 3'000'000'000LL + number);
  if (type == KeyType::text)
    return number == 3
               ? ""
               : beginnings[static_cast<std::size_t>(number) % beginnings.size()] + std::to_string(scattered);
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-0000-4000-8000-%012x",
                static_cast<unsigned>(number * 2'654'435'761U), static_cast<unsigned>(number));
  return text.data();
}

/// A time as the limits like it: at one of them, `slack` off it, or far away on either side.
inline Micros random_time(const Meaning& meaning, Micros now, Micros slack) {
  const Micros limit = meaning.hard_deadline && one_in(3) ? *meaning.hard_deadline : meaning.older_than;
  switch (*rc::gen::inRange(0, 10)) {
    case 0: return infinity;
    case 1: return minus_infinity;
    case 2: return now + 86'400'000'000 * *rc::gen::inRange(1, 100);
    case 3:
    case 4: return now - limit - slack * *rc::gen::inRange(-3, 4);
    case 5: return now - limit + slack;
    default: return now - limit - slack - 100'000 * *rc::gen::inRange(0, 8);
  }
}

/// `now` is the moment whose limits the ages like; rows that share an age are wanted.
inline Row random_row(const TableSetup& setup, Micros now, Micros slack) {
  Row row;
  row.status = one_in(4) ? *rc::gen::elementOf(all_statuses()) : *rc::gen::elementOf(setup.meaning.stuck_in);
  for (std::size_t i = 0; i < setup.meaning.age_count; ++i) {
    if (one_in(3)) continue;
    row.ages[i] = random_time(setup.meaning, now, slack);
  }
  row.task = one_in(2) ? std::nullopt : std::optional<std::string>{"t"};
  row.rescues = maybe(rc::gen::inRange<std::int64_t>(0, 4));
  row.user = maybe(rc::gen::element<std::string>("ana", "ana", "ana", "ana", "bia", "bia", "o'neil", "",
                                                 "refuses", "nobody"));
  row.amount = maybe(rc::gen::element<std::int64_t>(10, 1, 60, 0, -5, 2'000'000'000));
  if (setup.has_senseless_amounts && one_in(4)) row.amount = beyond_sense;
  row.charged = maybe(rc::gen::element(true, true, true, false));
  row.refunded = maybe(rc::gen::element(false, false, false, true));
  row.note = maybe(rc::gen::element<std::string>("", "note", hostile_text));
  row.finished = one_in(2) ? std::nullopt : std::optional<Micros>{-1'000'000};
  return row;
}

inline std::map<std::string, Account> starting_accounts() {
  return {{"ana", {100, false}},
          {"bia", {0, false}},
          {"o'neil", {-7, false}},
          {"", {3, false}},
          {"refuses", {50, true}}};
}

/// A row on one line, for counterexamples.
inline std::string words_of(const Row& row) {
  const auto time = [](const std::optional<Micros>& value) {
    return value ? std::to_string(*value) : std::string{"-"};
  };
  const auto number = [](const auto& value) { return value ? std::to_string(*value) : std::string{"-"}; };
  return joined({row.key, row.status, time(row.ages[0]), time(row.ages[1]), time(row.ages[2]),
                 "task " + row.task.value_or("-"), "rescues " + number(row.rescues), row.user.value_or("-"),
                 row.amount == beyond_sense ? "NaN" : number(row.amount), "charged " + number(row.charged),
                 "refunded " + number(row.refunded), row.note.value_or("-"), time(row.finished)},
                " | ");
}

}  // namespace jobwatchdog::test
