// RunningHub's codes: the golden table leaves none out, and no code alone can end a task that the money
// policy does not name.
#include "core/runninghub_codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

namespace jobwatchdog::test {
namespace {

std::set<std::string> codes_of_golden_table() {
  std::ifstream table{std::string{JOBWATCHDOG_PROJECT_ROOT} + "/tests/golden/provider_codes.txt"};
  std::set<std::string> codes;
  const std::regex row{R"(code \| *([^ |]+) *\| *([^|]*[^ |]) *\|.*)"};
  std::smatch cells;
  for (std::string line; std::getline(table, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    codes.insert(cells[1]);
    codes.insert(cells[2]);  // The name, for the one without a number.
  }
  return codes;
}

TEST(runninghub_codes, each_has_its_golden_row) {
  const std::set<std::string> golden = codes_of_golden_table();
  for (const RunningHubCode& known : runninghub_codes())
    EXPECT_EQ(golden.count(std::string{known.code}), 1U) << known.code;
}

TEST(runninghub_codes, each_stands_in_the_table_once) {
  std::set<std::string_view> codes;
  for (const RunningHubCode& known : runninghub_codes())
    EXPECT_TRUE(codes.insert(known.code).second) << known.code;
}

RunningHubReply reply_with(const std::string& code, int http_status) {
  RunningHubReply reply;
  reply.http_status = http_status;
  reply.is_readable = true;
  reply.code = code;
  return reply;
}

TEST(runninghub_codes, without_a_word_of_state_only_433_803_and_805_say_that_a_task_failed) {
  std::set<std::string> terminal;
  for (int code = -10; code < 10'000; ++code) {
    const Verdict::Kind kind = verdict_of(reply_with(std::to_string(code), 200)).kind;
    EXPECT_NE(kind, Verdict::Kind::succeeded);
    if (kind == Verdict::Kind::failed) terminal.insert(std::to_string(code));
  }
  EXPECT_THAT(terminal, testing::ElementsAre("433", "803", "805"));
}

TEST(runninghub_codes,
     no_status_of_http_but_success_ends_a_task_and_none_but_429_says_that_nothing_was_sent) {
  for (int http_status = 0; http_status < 600; ++http_status) {
    if (http_status >= 200 && http_status < 300) continue;
    for (const RunningHubCode& known : runninghub_codes()) {
      RunningHubReply reply = reply_with(std::string{known.code}, http_status);
      for (const char* word : {"", "SUCCESS", "FAILED", "CANCEL"}) {
        reply.status = word;
        reply.output_urls = {"https://example.com/a.png"};
        const Verdict::Kind kind = verdict_of(reply).kind;
        EXPECT_TRUE(kind == Verdict::Kind::unknown || kind == Verdict::Kind::not_found)
            << http_status << known.code;
      }
      if (http_status >= 500) {
        EXPECT_EQ(submission_of(reply).kind, Submission::Kind::unknown) << http_status << known.code;
      }
    }
  }
}

}  // namespace
}  // namespace jobwatchdog::test
