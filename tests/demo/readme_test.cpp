// README and demo, executed as a newcomer would: what they show cannot rot.
#include "tests/support/readme.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "tests/native/strange_database.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The text without what differs from run to run: ages, ids and durations, in whatever unit a busy machine
/// needs.
std::string without_numbers_of_the_day(const std::string& line) {
  static const std::regex duration{R"(, [0-9.]+ (ms|s|min)( [0-9]+ s)?\))"};
  std::string out;
  for (const char c : std::regex_replace(line, duration, ")")) {
    if ((c < '0' || c > '9') && c != ' ') out += c;
  }
  return out;
}

TEST(readme, runs_every_command_that_it_tells_a_newcomer_to_type) {
  Database database = strange_database();
  add_tasks(database, 3);
  const auto folder = std::filesystem::temp_directory_path() / ("readme-" + database.name());
  std::filesystem::create_directories(folder);
  std::string script = "set -eu\ncd '" + folder.string() + "'\n";
  const std::vector<std::string> blocks = blocks_of(readme(), "sh runnable");
  ASSERT_GE(blocks.size(), 2U);
  for (const std::string& block : blocks) script += block;
  const std::string path =
      std::filesystem::path{jobwatchdog_binary()}.parent_path().string() + ":" + std::getenv("PATH");
  const ProcessResult result =
      run({"sh", "-c", script}, {{"PATH", path}, {"DATABASE_URL", database.url()}, {"WATCHDOG_CONFIG", ""}});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("settled 3 of 3"));
  const std::vector<std::string> flags_output = blocks_of(readme(), "text flags");
  ASSERT_EQ(flags_output.size(), 1U);
  EXPECT_THAT(result.out, HasSubstr(flags_output[0]));
  EXPECT_EQ(database.value("SELECT count(*) FROM public.tarefas WHERE estado = 'rodando'"), "0");
  EXPECT_EQ(database.value("SELECT to_regclass('watchdog.sweep_runs')"), "watchdog.sweep_runs");
  std::filesystem::remove_all(folder);
}

TEST(readme, shows_a_configuration_that_is_right) {
  const std::vector<std::string> blocks = blocks_of(readme(), "toml");
  ASSERT_EQ(blocks.size(), 1U);
  // The block shows the cap on rescues in a comment and all else in force; one file cannot have both.
  const ConfigFile config{blocks[0]};
  const ProcessResult result = run_jobwatchdog({"rules", "list", "--config", config.path()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"Clínica\".\"Exames Lab\""));
}

TEST(demo, tells_the_story_that_the_readme_quotes_and_leaves_nothing_running) {
  const std::string script = (project_root() / "script/demo").string();
  const std::string preset = std::filesystem::path{jobwatchdog_binary()}.parent_path().filename();
  const ProcessResult result = run({script}, {{"PRESET", preset}});
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  std::string seen;
  for (const std::string& line : lines_of(result.out)) seen += without_numbers_of_the_day(line) + "\n";
  const std::vector<std::string> quoted_output = blocks_of(readme(), "text");
  ASSERT_GE(quoted_output.size(), 1U);
  for (const std::string& line : lines_of(quoted_output[0])) {
    if (line == "...") continue;
    EXPECT_THAT(seen, HasSubstr(without_numbers_of_the_day(line) + "\n")) << line;
  }
  for (const char* words :
       {"settled 1,200 of 1,208 stuck rows, gave back 89,520 credits in 993 refunds, 2 could not be settled",
        "settled 0 of 8 stuck rows", "(exit code 6)"}) {
    EXPECT_THAT(result.out, HasSubstr(words));
  }
  EXPECT_FALSE(std::filesystem::exists(project_root() / ".local/demo/data/postmaster.pid"));
}

TEST(demo, refuses_arguments_that_it_does_not_know) {
  const ProcessResult result = run({(project_root() / "script/demo").string(), "nonsense"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("Usage: script/demo"));
}

TEST(scripts, say_what_they_do) {
  for (const char* name : {"bootstrap", "build", "demo", "test", "bench"}) {
    const ProcessResult result = run({(project_root() / "script" / name).string(), "--help"});
    EXPECT_EQ(result.exit_code, 0) << name;
    EXPECT_THAT(result.out, HasSubstr("Usage: script/" + std::string{name})) << name;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
