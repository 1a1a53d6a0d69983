// Feature flags from outside: which source wins, what is refused, and who changed what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/native/strange_database.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

using Environment = std::map<std::string, std::string>;

ProcessResult flags(const Database& database, std::vector<std::string> arguments,
                    const Environment& env = {}) {
  arguments.insert(arguments.begin(), {"flags"});
  arguments.insert(arguments.end(), {"--database-url", database.url()});
  return run_jobwatchdog(arguments, env);
}

ProcessResult set_flag(const Database& database, const std::string& name, const std::string& definition,
                       std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"set", name, definition, "--reason", "a test"});
  return flags(database, more);
}

nlohmann::json json_of(const ProcessResult& result) {
  return nlohmann::json::parse(result.out, nullptr, false);
}

std::string with_flags(const std::string& lines) { return "[flags]\n" + lines + "\n" + strange_rules; }

TEST(flags, are_told_by_environment_before_file_before_database_before_code_default) {
  Database database = Database::managed();
  const ConfigFile config{with_flags("WATCHDOG_POLL_INTERVAL_MS = 20000")};
  const Environment environment{{"WATCHDOG_POLL_INTERVAL_MS", "30000"}};
  const auto told = [&](bool with_file, const Environment& env) {
    std::vector<std::string> arguments{"get", "WATCHDOG_POLL_INTERVAL_MS", "--json"};
    if (with_file) arguments.insert(arguments.end(), {"--config", config.path()});
    const auto json = json_of(flags(database, arguments, env));
    return json["value"].dump() + " " + json["flagMetadata"]["source"].get<std::string>();
  };
  EXPECT_EQ(told(false, {}), "15000 default");
  ASSERT_EQ(set_flag(database, "WATCHDOG_POLL_INTERVAL_MS", "10000").exit_code, 0);
  EXPECT_EQ(told(false, {}), "10000 database");
  EXPECT_EQ(told(true, {}), "20000 file");
  EXPECT_EQ(told(true, environment), "30000 environment");
  EXPECT_EQ(told(false, environment), "30000 environment");
  ASSERT_EQ(flags(database, {"set", "WATCHDOG_POLL_INTERVAL_MS", "--unset", "--reason", "back"}).exit_code,
            0);
  EXPECT_EQ(told(false, {}), "15000 default");
}

TEST(flags, explain_each_rule_and_every_setting_that_was_not_asked) {
  Database database = Database::managed();
  ASSERT_EQ(set_flag(database, "WATCHDOG_ENABLED", "true if tool in (upscaler); true for 25% of user; false")
                .exit_code,
            0);
  const auto explained = [&](std::vector<std::string> who, const Environment& env = {}) {
    who.insert(who.begin(), {"get", "WATCHDOG_ENABLED", "--explain"});
    return flags(database, who, env).out;
  };
  const std::string seven = explained({"--user", "7", "--tool", "veste_ai"});
  for (const char* words :
       {"value         false", "reason        DEFAULT", "database (watchdog.feature_flags, version 1)",
        "true if tool in (upscaler) -> its condition on the tool does not hold",
        "true for 25% of user -> outside of its share (place 26 of 100)", "false -> matches"})
    EXPECT_THAT(seven, HasSubstr(words));
  EXPECT_THAT(explained({}), HasSubstr("does not count, for no user is given"));
  EXPECT_THAT(explained({"--tool", "upscaler"}), HasSubstr("true for 25% of user -> not reached"));
  const std::string overruled = explained({}, {{"WATCHDOG_ENABLED", "true"}});
  EXPECT_THAT(overruled, HasSubstr("environment (the environment)"));
  EXPECT_THAT(overruled,
              HasSubstr("not asked     database (watchdog.feature_flags, version 1): true if tool"));
  const auto json = json_of(flags(database, {"get", "WATCHDOG_ENABLED", "--explain", "--json"},
                                  {{"WATCHDOG_FLAG_TOOL", "upscaler"}}));
  EXPECT_EQ(json["reason"], "TARGETING_MATCH");
  EXPECT_EQ(json["rules"][0]["fate"], "matches");
}

TEST(flags, are_listed_for_somebody) {
  Database database = Database::managed();
  ASSERT_EQ(set_flag(database, "WATCHDOG_ENABLED", "true if user in (u1)").exit_code, 0);
  const auto json = json_of(flags(database, {"list", "--user", "u1", "--json"}));
  ASSERT_EQ(json["flags"].size(), 5U);
  EXPECT_EQ(json["flags"][0]["value"], true);
  EXPECT_EQ(json["flags"][3]["flagMetadata"]["default"], 720000);
  EXPECT_THAT(flags(database, {"list"}).out,
              HasSubstr("WATCHDOG_ENABLED           false   database  DEFAULT  true if user in (u1)"));
}

TEST(flags, that_cannot_be_obeyed_are_refused_and_nothing_changes) {
  Database database = Database::managed();
  struct Mistake {
    std::vector<std::string> arguments;
    std::vector<const char*> words;
  };
  const std::vector<Mistake> mistakes{
      {{"set", "WATCHDOG_ENABLED", "tru", "--reason", "x"},
       {"\"tru\" is not true or false (character 1)", "did you mean \"true\"?"}},
      {{"set", "WATCHDOG_ENABLED", "30000", "--reason", "x"}, {"of the wrong type"}},
      {{"set", "WATCHDOG_ENABELD", "true", "--reason", "x"},
       {"there is no flag", "did you mean \"WATCHDOG_ENABLED\"?"}},
      {{"set", "WATCHDOG_ENABLED", "true"}, {"--reason"}},
      {{"set", "WATCHDOG_ENABLED", "true", "--reason", " "}, {"--reason"}},
      {{"set", "WATCHDOG_ENABLED", "--reason", "x"}, {"either a definition or --unset"}},
      {{"set", "WATCHDOG_ENABLED", "true", "--unset", "--reason", "x"}, {"either a definition or --unset"}},
      {{"set", "WATCHDOG_ENABLED", "true if user in (\xFF)", "--reason", "x"}, {"UTF-8"}},
      {{"set", "WATCHDOG_MAX_TIMEOUT_MS", "20000", "--reason", "x"}, {"given up before its second check"}},
      {{"set", "WATCHDOG_ENABLED", "true", "--reason", "x", "--expected-version", "-1"},
       {"--expected-version"}},
      {{"get", "WATCHDOG"}, {"there is no flag"}},
      {{"history", "WATCHDOG"}, {"there is no flag"}}};
  for (const Mistake& mistake : mistakes) {
    const ProcessResult result = flags(database, mistake.arguments);
    EXPECT_EQ(result.exit_code, 2) << mistake.arguments[1] << result.out << result.err;
    for (const char* words : mistake.words) EXPECT_THAT(result.err, HasSubstr(words));
  }
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.feature_flags"), "0");
}

TEST(flags, are_stored_as_core_writes_them_back) {
  Database database = Database::managed();
  ASSERT_EQ(set_flag(database, "WATCHDOG_ENABLED", "  true  if user in(\"u1\");false ").exit_code, 0);
  EXPECT_EQ(database.value("SELECT definition FROM watchdog.feature_flags"), "true if user in (u1); false");
}

TEST(flags, tell_who_changed_them_and_why) {
  Database database = Database::managed();
  ASSERT_EQ(set_flag(database, "WATCHDOG_ENABLED", "true").exit_code, 0);
  ASSERT_EQ(set_flag(database, "WATCHDOG_ENABLED", "disabled; true").exit_code, 0);
  const auto json = json_of(flags(database, {"history", "WATCHDOG_ENABLED", "--json"}));
  ASSERT_EQ(json["history"].size(), 2U);
  EXPECT_EQ(json["history"][0]["old"], "true");
  EXPECT_EQ(json["history"][0]["new"], "disabled; true");
  EXPECT_EQ(json["history"][0]["reason"], "a test");
  EXPECT_EQ(json["history"][1]["old"], nullptr);
  EXPECT_THAT(flags(database, {"history", "WATCHDOG_ENABLED"}).out, HasSubstr("disabled; true"));
}

TEST(flags, changed_from_an_older_version_are_left_alone) {
  Database database = Database::managed();
  const auto from = [&](const std::string& version, const std::string& definition) {
    return set_flag(database, "WATCHDOG_ENABLED", definition, {"--expected-version", version});
  };
  EXPECT_EQ(from("0", "true").exit_code, 0);
  EXPECT_EQ(from("1", "disabled").exit_code, 0);
  const ProcessResult late = from("1", "true");
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_THAT(late.err, HasSubstr("version 1 was expected, and it is at version 2, disabled"));
  EXPECT_EQ(database.value("SELECT definition FROM watchdog.feature_flags"), "disabled");
}

TEST(flags, set_in_the_database_where_another_source_wins_are_warned_of) {
  Database database = Database::managed();
  const ProcessResult result =
      flags(database, {"set", "WATCHDOG_ENABLED", "true", "--reason", "x"}, {{"WATCHDOG_ENABLED", "false"}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the environment sets WATCHDOG_ENABLED too"));
}

TEST(flags, stored_past_us_in_words_that_cannot_be_obeyed_are_told_and_the_code_default_holds) {
  Database database = Database::managed();
  database.exec(
      "INSERT INTO watchdog.feature_flags (name, definition, reason) VALUES ('WATCHDOG_ENABLED', 'tru', 'by hand'), ('A_FLAG_OF_TOMORROW', 'x y z', 'newer')");
  const ProcessResult result = flags(database, {"get", "WATCHDOG_ENABLED"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "false\n");
  EXPECT_THAT(result.err,
              HasSubstr("watchdog.feature_flags, version 1: WATCHDOG_ENABLED: \"tru\" is not true or false"));
  const auto json = json_of(flags(database, {"get", "WATCHDOG_ENABLED", "--json"}));
  EXPECT_EQ(json["reason"], "ERROR");
  EXPECT_EQ(json["errorCode"], "PARSE_ERROR");
  EXPECT_THAT(run_jobwatchdog({"doctor", "--database-url", database.url()}).out,
              HasSubstr("error    flags: WATCHDOG_ENABLED"));
}

TEST(flags, of_environment_and_file_are_configuration_and_wrong_ones_exit_with_3) {
  Database database = strange_database();
  const ConfigFile config{
      with_flags("WATCHDOG_ENABLED = \"tru\"\nWATCHDOG_POLL_INTERVAL_MS = 5\nWATCHDOG_SWEEP_ENABELD = true")};
  const ProcessResult file = run_with(database, config, {"flags", "list"});
  EXPECT_EQ(file.exit_code, 3);
  for (const char* words :
       {":2:20: WATCHDOG_ENABLED: \"tru\"", ":3:29: WATCHDOG_POLL_INTERVAL_MS: \"5\" is outside",
        ":4:1: unknown field \"flags.WATCHDOG_SWEEP_ENABELD\"", "did you mean \"WATCHDOG_SWEEP_ENABLED\"?"})
    EXPECT_THAT(file.err, HasSubstr(words));
  const ConfigFile together{with_flags("WATCHDOG_MAX_TIMEOUT_MS = 20000")};
  EXPECT_THAT(run_with(database, together, {"flags", "list"}).err,
              HasSubstr("given up before its second check"));
  const ConfigFile good{
      with_flags("WATCHDOG_ENABLED = true\nWATCHDOG_MAX_TIMEOUT_MS = \"900000 if tool in (a); 800000\"")};
  EXPECT_EQ(run_with(database, good, {"flags", "get", "WATCHDOG_MAX_TIMEOUT_MS"}).out, "800000\n");
  const ProcessResult environment = run_with(database, good, {"sweep"}, {{"WATCHDOG_ENABLED", "yes"}});
  EXPECT_EQ(environment.exit_code, 3);
  EXPECT_THAT(environment.err, HasSubstr("error: WATCHDOG_ENABLED: \"yes\" is not true or false"));
}

TEST(flags, without_their_table_are_those_of_the_other_sources_and_cannot_be_set) {
  Database database = strange_database();
  const ConfigFile config{with_flags("WATCHDOG_ENABLED = true")};
  EXPECT_EQ(run_with(database, config, {"flags", "get", "WATCHDOG_ENABLED"}).out, "true\n");
  EXPECT_EQ(run_with(database, config, {"flags", "list"}).err, "");
  const ProcessResult set =
      run_with(database, config, {"flags", "set", "WATCHDOG_ENABLED", "true", "--reason", "x"});
  EXPECT_EQ(set.exit_code, 5);
  EXPECT_THAT(set.err, HasSubstr("migrate --watch"));
  ASSERT_EQ(run_with(database, config, {"migrate", "--watch"}).exit_code, 0);
  EXPECT_EQ(
      run_with(database, config, {"flags", "set", "WATCHDOG_ENABLED", "true", "--reason", "x"}).exit_code, 0);
}

TEST(flags, are_no_reason_to_fail_on_a_history_of_before_they_were) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 1);
  ASSERT_EQ(run_with(database, config, {"migrate", "--watch"}).exit_code, 0);
  database.exec(
      "DROP TABLE watchdog.feature_flags, watchdog.feature_flag_history; "
      "DROP FUNCTION watchdog.stamp_feature_flag, watchdog.record_feature_flag, watchdog.refuse_flag_history_change, watchdog.set_feature_flag; "
      "DELETE FROM watchdog.schema_migrations WHERE name = '0009_feature_flags'");
  const ProcessResult sweep = run_with(database, config, {"sweep"});
  EXPECT_EQ(sweep.exit_code, 0) << sweep.err;
  EXPECT_THAT(sweep.out, HasSubstr("settled 1 of 1"));
  EXPECT_THAT(sweep.err, HasSubstr("migrate --watch"));
  ASSERT_EQ(run_with(database, config, {"migrate", "--watch"}).exit_code, 0);
  EXPECT_EQ(run_with(database, config, {"sweep"}).err, "");
}

TEST(flags, without_a_database_are_told_as_far_as_they_are_known) {
  const Environment away{{"DATABASE_URL", "postgresql://127.0.0.1:1/x"}};
  Environment set = away;
  set["WATCHDOG_ENABLED"] = "true";
  const ProcessResult known = run_jobwatchdog({"flags", "get", "WATCHDOG_ENABLED"}, set);
  EXPECT_EQ(known.exit_code, 0) << known.err;
  EXPECT_EQ(known.out, "true\n");
  const ProcessResult unknown = run_jobwatchdog({"flags", "get", "WATCHDOG_ENABLED", "--json"}, away);
  EXPECT_EQ(unknown.exit_code, 4);
  EXPECT_EQ(json_of(unknown)["reason"], "ERROR");
  EXPECT_THAT(unknown.err, HasSubstr("refused"));
  EXPECT_EQ(run_jobwatchdog({"flags", "list"}, set).exit_code, 4);
}

}  // namespace
}  // namespace jobwatchdog::test
