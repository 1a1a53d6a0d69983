// `adopt` on a database that it has never seen: from nothing to a settled job with nobody writing a rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/strange_database.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

TEST(adopt, proposes_rules_that_pass_the_check_and_settle_the_stuck_rows) {
  Database database = strange_database();
  add_tasks(database, 3);
  database.exec(
      R"(INSERT INTO "Clínica"."Exames Lab" ("Situação", "Atualizado em") VALUES ('Em Análise', now() - interval '1 h'))");
  const ProcessResult adopted = run_jobwatchdog({"adopt", "--database-url", database.url()});
  ASSERT_EQ(adopted.exit_code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("\"\\\"Clínica\\\".\\\"Exames Lab\\\"\""));
  EXPECT_THAT(adopted.out, HasSubstr("refund.function = \"public.estornar_creditos\""));
  const ConfigFile config{adopted.out};
  const ProcessResult check = run_with(database, config, {"rules", "check"});
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err << adopted.out;
  EXPECT_EQ(run_with(database, config, {"sweep"}).exit_code, 0);
  EXPECT_EQ(database.value("SELECT count(*) FROM public.tarefas WHERE estado = 'falhou'"), "3");
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "30");
  EXPECT_EQ(database.value(R"(SELECT "Situação" FROM "Clínica"."Exames Lab")"), "Pendente");
}

TEST(adopt, writes_a_file_but_never_over_another) {
  Database database = strange_database();
  const std::string path =
      (std::filesystem::temp_directory_path() / ("adopted-" + database.name() + ".toml")).string();
  const ProcessResult first = run_jobwatchdog({"adopt", "--output", path, "--database-url", database.url()});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("rules check"));
  const ProcessResult second = run_jobwatchdog({"adopt", "--output", path, "--database-url", database.url()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("not overwritten"));
  std::filesystem::remove(path);
}

TEST(adopt, says_so_when_nothing_looks_like_jobs) {
  Database database = Database::empty();
  const ProcessResult result = run_jobwatchdog({"adopt", "--database-url", database.url()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("no table looks like jobs"));
}

TEST(adopt, changes_nothing) {
  Database database = strange_database();
  const std::string writes = writes_so_far(database);
  ASSERT_EQ(run_jobwatchdog({"adopt", "--database-url", database.url()}).exit_code, 0);
  EXPECT_EQ(writes_so_far(database), writes);
}

}  // namespace
}  // namespace jobwatchdog::test
