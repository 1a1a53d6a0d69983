// Texts that core writes and reads back, and texts that a real PostgreSQL reads as core meant them.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <pqxx/pqxx>

#include "core/backoff.hpp"
#include "core/duration_text.hpp"
#include "core/sql_text.hpp"
#include "native/database.hpp"
#include "tests/property/property.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {
namespace {

/// Characters that quoting is about, and others of every length in UTF-8.
std::string random_text(std::size_t characters_max) {
  static const std::vector<std::string> pieces{
      "'", "\"",     "\\", "\n", "\r",   "\t",   ";",  "--", "$1",  "$$",   "{", "}",
      ",", "%",      "/*", "*/", " ",    "NULL", "a",  "Z",  "0",   "_",    ".", "ä",
      "ẞ", "\u2028", "€",  "😀",  "\x01", "\x7f", "E'", "U&", "\\'", "\\x41"};
  const auto count = *rc::gen::inRange<std::size_t>(0, characters_max + 1);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += *rc::gen::elementOf(pieces);
  return text;
}

/// Any bytes but NUL; mostly not UTF-8.
std::string random_bytes() {
  std::string bytes;
  const auto count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i) {
    bytes += static_cast<char>(*rc::gen::element(0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2,
                                                 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF));
  }
  return bytes;
}

std::string random_identifier() {
  std::string name = random_text(12);
  RC_PRE(identifier_defect(name).empty());
  return name;
}

PROPERTY(texts, a_duration_is_read_as_it_was_written, 3'000) {
  const Duration duration{*rc::gen::oneOf(rc::gen::inRange<std::int64_t>(1, 315'360'000'001),
                                          rc::gen::inRange<std::int64_t>(1, 100'000))};
  const auto read = parse_duration(exact_duration_text(duration));
  RC_ASSERT(read.ok());
  RC_ASSERT(read.value() == duration);
}

PROPERTY(texts, a_short_duration_text_cuts_and_never_adds, 3'000) {
  const Duration duration{*rc::gen::inRange<std::int64_t>(1, 315'360'000'001)};
  const auto read = parse_duration(duration_text(duration));
  RC_ASSERT(read.ok());
  RC_ASSERT(read.value() <= duration);
  RC_ASSERT(duration_text(read.value()) == duration_text(duration));
  RC_ASSERT(read.value().ms > duration.ms - duration.ms / 24 - 1);
  RC_ASSERT(duration_text(Duration{-duration.ms}) == "-" + duration_text(duration));
}

PROPERTY(texts, any_text_is_a_duration_within_ten_years_or_a_problem_with_a_cure, 3'000) {
  std::string text;
  const auto count = *rc::gen::inRange(0, 5);
  for (int i = 0; i < count; ++i)
    text += *rc::gen::element<std::string>("9223372036854775807", "1", "0", " ", "min", "d", "-", ".", "ms",
                                           "ä", "10");
  const auto read = parse_duration(text);
  if (read.ok()) {
    RC_ASSERT(read.value().ms >= 1);
    RC_ASSERT(read.value().ms <= 315'360'000'000);
  } else {
    RC_ASSERT(!read.error().what.empty());
    RC_ASSERT(!read.error().mend.empty());
  }
}

PROPERTY(texts, a_name_is_read_as_it_is_displayed, 2'000) {
  const QualifiedName name{random_identifier(), random_identifier()};
  const auto shown = parse_qualified_name(display_name(name));
  RC_ASSERT(shown.ok());
  RC_ASSERT(shown.value() == name);
  const auto all_quoted = parse_qualified_name(quoted(name));
  RC_ASSERT(all_quoted.ok());
  RC_ASSERT(all_quoted.value() == name);
}

PROPERTY(texts, a_backoff_is_within_its_bounds_grows_and_is_the_same_again, 3'000) {
  BackoffPolicy policy;
  policy.delay_min.ms = *rc::gen::inRange<std::int64_t>(1, 10'000);
  policy.delay_max.ms = policy.delay_min.ms + *rc::gen::inRange<std::int64_t>(0, 100'000'000);
  policy.jitter_permille_max = *rc::gen::inRange(0, 1001);
  const auto jitter = *rc::gen::inRange(0, policy.jitter_permille_max + 1);
  const auto failed_count = *rc::gen::oneOf(rc::gen::inRange(1, 70), rc::gen::just(2'000'000'000));
  const Duration delay = backoff_delay(failed_count, jitter, policy);
  RC_ASSERT(delay == backoff_delay(failed_count, jitter, policy));
  RC_ASSERT(delay.ms >= 1);
  RC_ASSERT(delay <= policy.delay_max);
  RC_ASSERT(delay <= backoff_delay(failed_count, 0, policy));
  RC_ASSERT(delay.ms >= policy.delay_min.ms * (1000 - jitter) / 1000);
  if (failed_count < 2'000'000'000) RC_ASSERT(delay <= backoff_delay(failed_count + 1, jitter, policy));
}

/// A session that reads quoted text, with and without standard strings.
class quoted_texts : public testing::TestWithParam<const char*> {
 protected:
  quoted_texts() : link_(database_.url()), work_(link_) {
    work_.exec(std::string{"SET standard_conforming_strings = "} + GetParam());
    work_.exec("SET escape_string_warning = off");
  }

  Database database_ = Database::empty();
  pqxx::connection link_;
  pqxx::nontransaction work_;
};
INSTANTIATE_TEST_SUITE_P(standard_strings, quoted_texts, testing::Values("on", "off"),
                         [](const auto& setting) { return std::string{setting.param}; });

std::string text_of(const pqxx::field& field) { return {field.c_str(), field.size()}; }

TEST_P(quoted_texts, postgres_reads_a_literal_as_it_was_meant) {
  expect_holds(
      [this] {
        const std::string text = random_text(30);
        const auto rows = work_.exec("SELECT " + quote_literal(text) + ", " + quote_literal(text));
        RC_ASSERT(rows.columns() == 2U);
        RC_ASSERT(text_of(rows[0][0]) == text);
        RC_ASSERT(text_of(rows[0][1]) == text);
      },
      1'000);
}

TEST_P(quoted_texts, postgres_reads_an_identifier_as_it_was_meant) {
  expect_holds(
      [this] {
        const std::string name = random_identifier();
        const auto rows = work_.exec("SELECT 1 AS " + quote_identifier(name) + ", 2 AS second");
        RC_ASSERT(rows.columns() == 2U);
        RC_ASSERT(std::string{rows.column_name(0)} == name);
      },
      1'000);
}

TEST_P(quoted_texts, postgres_reads_an_array_as_it_was_meant) {
  expect_holds(
      [this] {
        std::vector<std::string> texts;
        const auto count = *rc::gen::inRange(0, 6);
        for (int i = 0; i < count; ++i) texts.push_back(random_text(8));
        const auto rows = work_.exec_params(
            "SELECT item FROM unnest($1::text[]) WITH ORDINALITY AS u (item, place) ORDER BY place",
            array_literal(texts));
        std::vector<std::string> read;
        for (const auto& row : rows) read.push_back(text_of(row[0]));
        RC_ASSERT(read == texts);
      },
      1'000);
}

TEST_P(quoted_texts, postgres_splits_a_displayed_name_as_core_does) {
  expect_holds(
      [this] {
        const QualifiedName name{random_identifier(), random_identifier()};
        for (const std::string& text : {display_name(name), quoted(name)}) {
          const auto rows = work_.exec_params("SELECT (parse_ident($1))[1], (parse_ident($1))[2]", text);
          RC_ASSERT(text_of(rows[0][0]) == name.schema);
          RC_ASSERT(text_of(rows[0][1]) == name.name);
        }
      },
      1'000);
}

TEST_P(quoted_texts, what_core_reads_as_a_name_postgres_reads_as_the_same) {
  expect_holds(
      [this] {
        const std::string text =
            *rc::gen::element<std::string>("", "public", "Public", "\"Ä\"") + "." + random_text(4);
        const auto name = parse_qualified_name(text);
        if (!name.ok()) return;
        const auto rows = work_.exec_params("SELECT (parse_ident($1))[1], (parse_ident($1))[2]", text);
        RC_ASSERT(text_of(rows[0][0]) == name.value().schema);
        RC_ASSERT(text_of(rows[0][1]) == name.value().name);
      },
      1'000);
}

TEST_P(quoted_texts, text_is_storable_exactly_when_postgres_takes_it) {
  expect_holds(
      [this] {
        const std::string bytes = random_bytes();
        bool is_taken = true;
        try {
          work_.exec_params("SELECT $1::text", bytes);
        } catch (const pqxx::sql_error&) {
          is_taken = false;
        }
        RC_ASSERT(is_storable_text(bytes) == is_taken);
      },
      2'000);
}

PROPERTY(texts, nul_is_no_text_and_no_name, 500) {
  const std::string text = random_text(5) + std::string(1, '\0') + random_text(5);
  RC_ASSERT(!is_storable_text(text));
  RC_ASSERT(!identifier_defect(text).empty());
  RC_ASSERT(!parse_qualified_name(quote_identifier(text)).ok());
}

// The twins: quoting as people do it by hand.

TEST_P(quoted_texts, twin_quotes_alone_are_caught) {
  const auto by_hand = [this] {
    const std::string text = random_text(30);
    try {
      RC_ASSERT(text_of(work_.exec("SELECT '" + text + "'")[0][0]) == text);
    } catch (const pqxx::failure& error) {
      RC_FAIL(error.what());
    }
  };
  expect_caught("a literal with nothing doubled", by_hand, 1'000);
}

TEST(texts_twin, a_short_duration_text_does_not_come_back_whole) {
  expect_caught(
      "a text of two units for the whole duration",
      [] {
        const Duration duration{*rc::gen::inRange<std::int64_t>(1, 315'360'000'001)};
        RC_ASSERT(parse_duration(duration_text(duration)).value() == duration);
      },
      3'000);
}

TEST(texts_twin, a_name_without_quotes_does_not_come_back) {
  expect_caught(
      "a name glued together",
      [] {
        const QualifiedName name{random_identifier(), random_identifier()};
        const auto read = parse_qualified_name(name.schema + "." + name.name);
        RC_ASSERT((read.ok() && read.value() == name));
      },
      2'000);
}

}  // namespace
}  // namespace jobwatchdog::test
