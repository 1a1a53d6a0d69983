// jobwatchdog.toml: every mistake is told with file, line and column, and with its cure.
#include "native/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rule_text.hpp"
#include "tests/core/example_rules.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

constexpr const char* good = R"toml([database]
url = "postgresql:///app"
role = "service_role"
settings = { "request.jwt.claims" = '{"role":"service_role"}' }

[sweep]
batch_size = 500
max_duration = "2 min"

[[rule]]
name = "stuck-exams"
tables = ["public.exams"]
stuck_in = ["analyzing"]
age_of = "updated_at"
older_than = "5 min"
set = { status = "pending", updated_at = "now()" }
)toml";

/// The good file with one piece of text replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = good;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string problems_of(const std::string& text) {
  const auto parsed = parse_configuration(text, "file.toml", {});
  std::string all;
  if (parsed.ok()) return all;
  for (const Problem& problem : parsed.error())
    all += problem.where + " | " + problem.what + " | " + problem.mend + "\n";
  return all;
}

TEST(configuration, that_is_right_is_read_whole) {
  const auto parsed = parse_configuration(good, "file.toml", {});
  ASSERT_TRUE(parsed.ok()) << problems_of(good);
  const Configuration& configuration = parsed.value();
  EXPECT_EQ(configuration.database_url, "postgresql:///app");
  EXPECT_EQ(configuration.session.role, "service_role");
  EXPECT_EQ(configuration.session.settings.at(0).second, R"({"role":"service_role"})");
  EXPECT_EQ(configuration.batch_size, 500);
  EXPECT_EQ(configuration.duration_max, minutes(2));
  ASSERT_EQ(configuration.rules.size(), 1U);
  EXPECT_EQ(configuration.rules[0].older_than, minutes(5));
  EXPECT_EQ(configuration.rules[0].set[1].kind, Assignment::Kind::database_now);
}

TEST(configuration, with_a_mistake_tells_line_column_and_cure) {
  struct Mistake {
    std::string from, to;
    std::vector<std::string> words;
  };
  const std::vector<Mistake> mistakes{
      {"name = \"stuck-exams\"", "name = stuck-exams", {"file.toml:11:"}},
      {"older_than = \"5 min\"", "older_than = 5", {"file.toml:15:14", "duration in quotes"}},
      {"older_than = \"5 min\"", "older_than = \"5 mim\"", {"file.toml:15:14", "\"mim\" is not a unit"}},
      {"older_than = ",
       "older_then = ",
       {"file.toml:15:1", "unknown field \"older_then\"", "did you mean \"older_than\"?"}},
      {"[sweep]", "[sweeps]", {"unknown field \"sweeps\"", "did you mean \"sweep\"?"}},
      {"batch_size = 500", "batch_size = 0", {"file.toml:7:14", "from 1 to 100000"}},
      {"batch_size = 500", "batchsize = 500", {"sweep.batchsize", "did you mean \"batch_size\"?"}},
      {"[\"public.exams\"]", "[\"public.exams lab\"]", {"file.toml:12:10", "needs double quotes"}},
      {"[\"public.exams\"]", "[[\"public.exams\"]]", {"file.toml:12:11", "text, a number or a boolean"}},
      {"status = \"pending\", ", "", {"file.toml:16:7", "stuck-exams", "does not set the status column"}},
      {"status = \"pending\"", "status = \"analyzing\"", {"file.toml:16:7", "also in stuck_in"}},
      {"set = {",
       "hard_deadline = \"1 h\"\nset = {",
       {"file.toml:16:17", "means nothing without a provider"}},
      {"age_of = \"updated_at\"\n", "", {"file.toml:10:1", "age_of", "timestamptz"}},
      {"[[rule]]", "[rule]", {"double the brackets"}},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string problems = problems_of(changed(mistake.from, mistake.to));
    for (const std::string& words : mistake.words) EXPECT_THAT(problems, HasSubstr(words)) << mistake.to;
  }
}

TEST(configuration, tells_all_its_mistakes_at_once) {
  const std::string problems =
      problems_of(changed("batch_size = 500", "batch_size = \"many\"") + "colour = \"red\"\n");
  EXPECT_THAT(problems, HasSubstr("batch_size"));
  EXPECT_THAT(problems, HasSubstr("colour"));
}

TEST(configuration, without_rules_is_refused) { EXPECT_THAT(problems_of("[sweep]\n"), HasSubstr("adopt")); }

TEST(configuration, reads_back_every_rule_that_we_write) {
  for (const Rule& rule :
       {exam_rule(), credit_rule(), capped_rule(), settle_function_rule(), hostile_rule()}) {
    const std::string text = rule_as_toml(rule);
    const auto parsed = parse_configuration(text, "written.toml", {});
    ASSERT_TRUE(parsed.ok()) << text << problems_of(text);
    EXPECT_EQ(parsed.value().rules.at(0), rule) << text;
  }
}

TEST(configuration, survives_any_cut_and_any_changed_byte) {
  const std::string text = good;
  for (std::size_t at = 0; at < text.size(); ++at) {
    static_cast<void>(parse_configuration(text.substr(0, at), "cut.toml", {}));
    std::string bent = text;
    bent[at] = static_cast<char>(bent[at] ^ 0x15);
    static_cast<void>(parse_configuration(bent, "bent.toml", {}));
  }
}

}  // namespace
}  // namespace jobwatchdog::test
