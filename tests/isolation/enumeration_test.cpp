// The mutants themselves: each kind of guard is found in a text, each mutant lacks exactly that guard, and
// none of the catalog's constraints and triggers is forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/isolation/spec_runner.hpp"

namespace jobwatchdog::test {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

/// The mutants of a statement as "NAME: TEXT".
std::vector<std::string> told(const std::string& sql) {
  std::vector<std::string> lines;
  for (const SqlMutant& mutant : statement_mutants(sql)) lines.push_back(mutant.name + ": " + mutant.text);
  return lines;
}

TEST(enumeration, finds_locks_and_what_they_pass_over) {
  EXPECT_THAT(told("SELECT a FROM t FOR UPDATE OF t SKIP LOCKED"),
              ElementsAre("skip_locked: SELECT a FROM t FOR UPDATE OF t ", "for_update: SELECT a FROM t "));
}

TEST(enumeration, finds_a_lock_that_is_no_row) {
  EXPECT_THAT(told("PERFORM pg_catalog.pg_advisory_xact_lock(f(1));"),
              ElementsAre("advisory_lock: PERFORM 1;"));
}

TEST(enumeration, finds_each_condition_and_keeps_between_and_case_whole) {
  EXPECT_THAT(
      told(
          "UPDATE t SET a = 1 WHERE b = 'x AND y' AND c BETWEEN 1 AND 2 AND CASE WHEN d AND e THEN f END RETURNING a"),
      ElementsAre(
          "where_b_x_and_y: UPDATE t SET a = 1 WHERE (b = 'x AND y' OR true) AND c BETWEEN 1 AND 2 AND CASE WHEN d AND e THEN f END RETURNING a",
          "where_c_between_1_and_2: UPDATE t SET a = 1 WHERE b = 'x AND y' AND (c BETWEEN 1 AND 2 OR true) AND CASE WHEN d AND e THEN f END RETURNING a",
          "where_case_when_d_and_e_then_f_end: UPDATE t SET a = 1 WHERE b = 'x AND y' AND c BETWEEN 1 AND 2 AND (CASE WHEN d AND e THEN f END OR true) RETURNING a"));
  EXPECT_THAT(
      told("SELECT (SELECT a FROM t WHERE b) FROM u JOIN v ON c AND d -- WHERE e\n"),
      ElementsAre("where_b: SELECT (SELECT a FROM t WHERE (b OR true)) FROM u JOIN v ON c AND d -- WHERE e\n",
                  "on_c: SELECT (SELECT a FROM t WHERE b) FROM u JOIN v ON (c OR true) AND d -- WHERE e\n",
                  "on_d: SELECT (SELECT a FROM t WHERE b) FROM u JOIN v ON c AND (d OR true) -- WHERE e\n"));
}

TEST(enumeration, finds_the_condition_of_a_filter) {
  const auto mutants = function_text_mutants(
      "SELECT count(*) FILTER (WHERE held.b) INTO v FROM (SELECT FROM t FOR UPDATE) AS held;");
  ASSERT_EQ(mutants.size(), 2U);
  EXPECT_EQ(mutants[0].name, "where_held_b");
  EXPECT_THAT(mutants[0].text, testing::HasSubstr("FILTER (WHERE (held.b OR true))"));
}

TEST(enumeration, finds_what_happens_on_a_conflict) {
  EXPECT_THAT(told("INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING RETURNING a"),
              ElementsAre("on_conflict_a: INSERT INTO t VALUES (1)  RETURNING a"));
  EXPECT_THAT(told("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1"),
              ElementsAre("on_conflict_a: INSERT INTO t VALUES (1) ",
                          "on_conflict_nothing_a: INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING"));
}

TEST(enumeration, turns_an_order_round_where_somebody_may_wait) {
  EXPECT_THAT(told("SELECT a FROM t ORDER BY a, f(b, c) FOR UPDATE"),
              ElementsAre("order_reversed_a_f_b_c: SELECT a FROM t ORDER BY a DESC, f(b, c) DESC FOR UPDATE",
                          "for_update: SELECT a FROM t ORDER BY a, f(b, c) "));
  EXPECT_EQ(told("SELECT a FROM t ORDER BY a FOR UPDATE SKIP LOCKED").size(), 2U);
}

TEST(enumeration, finds_each_if_and_numbers_what_is_there_twice) {
  EXPECT_THAT(told("IF a THEN RETURN; ELSIF a THEN RETURN; END IF;"),
              ElementsAre("if_a: IF false THEN RETURN; ELSIF a THEN RETURN; END IF;",
                          "if_a_2: IF a THEN RETURN; ELSIF false THEN RETURN; END IF;"));
}

TEST(enumeration, knows_functions_that_touch_what_is_guarded_or_call_one_that_does) {
  EXPECT_FALSE(moves_what_is_guarded("SELECT b FROM watchdog.tools; -- DELETE FROM public.exams", {}));
  EXPECT_TRUE(moves_what_is_guarded("DELETE FROM public.exams WHERE c;", {}));
  EXPECT_TRUE(moves_what_is_guarded("SELECT watchdog.f(1);", {"watchdog.f"}));
  EXPECT_TRUE(moving_functions().contains("settle_or_isolate"));
  EXPECT_FALSE(moving_functions().contains("has_role"));
}

TEST(enumeration, leaves_conditions_of_a_subquery_alone_that_reads_nothing_guarded) {
  const auto mutants = function_text_mutants(
      "DELETE FROM public.exams WHERE a AND EXISTS (SELECT FROM watchdog.isolated_rows WHERE b);");
  EXPECT_EQ(mutants.size(), 2U);
}

TEST(enumeration, knows_which_specs_reach_a_function_a_rule_or_a_constraint) {
  const auto reached_by = [](const char* spec, const std::string& subject, const std::string& rule = "") {
    return reaches(spec_text(spec), {.id = "", .subject = subject, .rule = rule});
  };
  EXPECT_TRUE(reached_by("p_p", "start_job"));
  EXPECT_FALSE(reached_by("p_p", "claim_next_jobs"));
  EXPECT_TRUE(reached_by("u_u", "settle_locked_jobs")) << "through others";
  EXPECT_TRUE(reached_by("s_s", "settle_locked_jobs")) << "through the statements of a rule";
  EXPECT_TRUE(reached_by("p_p", "refuse_ledger_change")) << "by a trigger";
  EXPECT_TRUE(reached_by("p_p", "active_jobs"));
  EXPECT_TRUE(reached_by("s_s", "", "stale-ai-jobs"));
  EXPECT_FALSE(reached_by("exam_s_s", "", "stale-ai-jobs"));
}

TEST(enumeration, names_mutants_that_are_different_and_not_the_original) {
  ASSERT_GE(all_mutants().size(), 100U);
  std::set<std::string> ids;
  for (const Mutant& mutant : all_mutants()) {
    EXPECT_TRUE(ids.insert(mutant.id).second) << mutant.id << " stands for two";
    EXPECT_NE(mutant.schema_sql.empty(), mutant.stage_sql.empty()) << mutant.id;
    const std::string original = read_file(project_root() / "sql/functions" / (mutant.subject + ".sql"));
    EXPECT_TRUE(original.empty() || mutant.schema_sql != original) << mutant.id;
  }
}

// By what the catalog itself says of a managed database; the mutants were made from the snapshot.
TEST(enumeration, knows_every_constraint_unique_index_and_trigger_of_the_guarded_tables) {
  Database database = Database::managed();
  std::string tables;
  for (const std::string& table : guarded_tables())
    tables += (tables.empty() ? "" : ",") + quoted(table) + "::regclass";
  const auto rows = database.rows(
      "WITH guarded AS (SELECT oid, relname FROM pg_class WHERE oid IN (" + tables +
      ") OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN (" + tables +
      ")))"
      " SELECT relname || '__' || conname FROM pg_constraint JOIN guarded ON guarded.oid = conrelid WHERE conislocal AND conparentid = 0 AND contype IN ('p', 'u', 'c', 'f', 'x')"
      " UNION SELECT relname || '__' || tgname FROM pg_trigger JOIN guarded ON guarded.oid = tgrelid WHERE NOT tgisinternal AND tgparentid = 0"
      " UNION SELECT guarded.relname || '__' || made.relname FROM pg_index JOIN guarded ON guarded.oid = indrelid JOIN pg_class AS made ON made.oid = indexrelid"
      " WHERE indisunique AND NOT made.relispartition AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))");
  std::vector<std::string> wanted;
  for (const auto& row : rows) wanted.push_back(row[0]);
  std::vector<std::string> found;
  for (const Mutant& mutant : all_mutants()) found.push_back(mutant.id);
  ASSERT_GE(wanted.size(), 25U);
  EXPECT_THAT(found, IsSupersetOf(wanted));
}

TEST(enumeration, lists_no_survivor_that_does_not_exist_or_has_no_reason) {
  for (const auto& [id, reason] : known_survivors()) {
    EXPECT_NE(find_mutant(id), nullptr) << id;
    EXPECT_GE(reason.size(), 20U) << id;
  }
}

TEST(enumeration, knows_the_control_of_every_spec) {
  for (const std::string& spec : spec_names())
    EXPECT_NE(find_mutant(control_of(spec_text(spec))), nullptr) << spec << ": no mutant \"# control: ID\"";
}

TEST(enumeration, lists_no_killer_that_does_not_exist) {
  const std::vector<std::string> specs = spec_names();
  for (const auto& [id, spec] : known_killers()) {
    EXPECT_NE(find_mutant(id), nullptr) << id;
    EXPECT_THAT(specs, testing::Contains(spec)) << id;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
