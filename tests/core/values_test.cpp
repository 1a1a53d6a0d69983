// Small values: statuses, policy, quoting, spelling, and durations there and back.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "core/duration_text.hpp"
#include "core/job_status.hpp"
#include "core/policy.hpp"
#include "core/spelling.hpp"
#include "core/sql_text.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

TEST(job_status, every_name_leads_back_to_its_status) {
  for (const JobStatus status : all_job_statuses) EXPECT_EQ(job_status_of(job_status_name(status)), status);
  EXPECT_FALSE(job_status_of("Running"));
}

TEST(job_status, terminal_never_changes_again) {
  for (const JobStatus from : all_job_statuses) {
    bool moves = false;
    for (const JobStatus to : all_job_statuses) moves = moves || may_move(from, to);
    EXPECT_EQ(moves, !is_terminal(from)) << job_status_name(from);
  }
}

TEST(job_status, only_what_the_provider_works_on_holds_a_slot) {
  for (const JobStatus status : all_job_statuses) {
    EXPECT_EQ(holds_slot(status), status == JobStatus::starting || status == JobStatus::running);
    EXPECT_TRUE(!holds_slot(status) || is_active(status));
  }
}

/// The moves that README draws, as "from --> to", without the points of entry and exit.
std::set<std::string> moves_in_readme() {
  std::ifstream file{project_root() / "README.md"};
  std::set<std::string> moves;
  for (std::string line; std::getline(file, line);) {
    const auto arrow = line.find(" --> ");
    if (arrow == std::string::npos || line.find('[') != std::string::npos) continue;
    moves.insert(line.substr(line.find_first_not_of(' ')));
  }
  return moves;
}

TEST(job_status, is_drawn_in_the_readme_as_the_table_has_it) {
  std::set<std::string> moves;
  for (const JobStatus from : all_job_statuses) {
    for (const JobStatus to : all_job_statuses) {
      if (may_move(from, to))
        moves.insert(std::string{job_status_name(from)} + " --> " + std::string{job_status_name(to)});
    }
  }
  EXPECT_EQ(moves.size(), 14U);
  EXPECT_EQ(moves, moves_in_readme());
}

TEST(policy, defaults_are_usable_and_off) {
  EXPECT_TRUE(validate_policy({}).empty());
  EXPECT_FALSE(Policy{}.watchdog_enabled);
  EXPECT_EQ(WatchPolicy{}.timeout_max, milliseconds(720'000));
}

TEST(policy, that_gives_up_before_it_looks_is_refused) {
  Policy policy;
  policy.watch.timeout_max = seconds(40);
  const auto problems = validate_policy(policy);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].where, "WATCHDOG_MAX_TIMEOUT_MS");
  policy = {};
  policy.watch.poll_interval = milliseconds(1);
  EXPECT_EQ(validate_policy(policy).size(), 1U);
  policy = {};
  policy.concurrent_jobs_max = 0;
  EXPECT_EQ(validate_policy(policy).size(), 1U);
}

TEST(policy, worst_detection_is_threshold_plus_period) {
  EXPECT_EQ(detection_time_max(minutes(10), minutes(5)), minutes(15));
}

TEST(quoting, doubles_quotes_and_keeps_backslashes_plain) {
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("a\\'b"), "E'a\\\\''b'");
  EXPECT_EQ(array_literal({"a", "b\"c", "d\\e", "f,g", ""}), R"({"a","b\"c","d\\e","f,g",""})");
}

TEST(quoting, a_displayed_name_reads_back_as_itself) {
  for (const QualifiedName& name :
       {QualifiedName{"public", "jobs"}, {"Clínica", "Exames Lab"}, {"a\"b", "c.d"}, {"x", "1st"}}) {
    const Result<QualifiedName> read = parse_qualified_name(display_name(name));
    ASSERT_TRUE(read.ok()) << display_name(name);
    EXPECT_EQ(read.value(), name);
  }
}

TEST(storable_text, is_utf8_without_nul) {
  EXPECT_TRUE(is_storable_text("Exames Clínica 日本 \xF0\x9F\x98\x80"));
  for (const std::string& bad : {std::string{"a\0b", 3}, std::string{"\xC0\x80"}, std::string{"\xED\xA0\x80"},
                                 std::string{"\xF5\x80\x80\x80"}, std::string{"\xE2\x82"}}) {
    EXPECT_FALSE(is_storable_text(bad));
  }
}

TEST(duration, written_exactly_reads_back_as_itself) {
  for (const std::int64_t ms :
       {1LL, 999LL, 1'000LL, 61'001LL, 5'430'000LL, 90'061'007LL, 315'360'000'000LL}) {
    const Result<Duration> read = parse_duration(exact_duration_text({ms}));
    ASSERT_TRUE(read.ok()) << exact_duration_text({ms});
    EXPECT_EQ(read.value().ms, ms);
  }
}

TEST(duration, for_people_has_at_most_two_units) {
  EXPECT_EQ(duration_text(minutes(12)), "12 min");
  EXPECT_EQ(duration_text(milliseconds(5'400'000)), "1 h 30 min");
  EXPECT_EQ(duration_text(milliseconds(90'061'007)), "1 d 1 h");
  EXPECT_EQ(duration_text(milliseconds(1'234)), "1 s");
  EXPECT_EQ(duration_text(milliseconds(12)), "12 ms");
  EXPECT_EQ(duration_text(milliseconds(0)), "0 ms");
}

TEST(spelling, suggests_a_slip_and_lists_what_is_known_otherwise) {
  EXPECT_EQ(nearest_word("updatd_at", {"id", "updated_at", "created_at"}), "updated_at");
  EXPECT_EQ(suggestion("Status", {"status"}), "did you mean \"status\"?");
  EXPECT_EQ(suggestion("zzz", {"status", "id"}), "known: status, id");
}

}  // namespace
}  // namespace jobwatchdog::test
