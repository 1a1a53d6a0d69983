// `rules check` on a live database: what would not work, in words, with what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/strange_database.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;

ProcessResult check(const Database& database, const std::string& rules,
                    std::vector<std::string> arguments = {}) {
  const ConfigFile config{rules};
  arguments.insert(arguments.begin(), {"rules", "check"});
  return run_with(database, config, arguments);
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = strange_rules;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(rules_check, finds_the_index_and_the_trigger_of_a_strange_schema) {
  Database database = strange_database();
  const ProcessResult result = check(database, strange_rules);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("ok       exames on \"Clínica\".\"Exames Lab\""));
  EXPECT_THAT(result.out,
              HasSubstr("trigger guarda: may refuse an update: em guarda judicial | somente o robo pode"));
  EXPECT_THAT(result.out, HasSubstr("setting app.papel"));
  EXPECT_THAT(result.out, Not(HasSubstr("no usable index")));
  EXPECT_EQ(check(database, strange_rules, {"--strict"}).exit_code, 3) << "warnings count with --strict";
}

TEST(rules_check, tells_a_missing_index_with_the_statement_and_is_content_once_it_is_there) {
  Database database = strange_database();
  database.exec(
      "DROP INDEX public.tarefas_criado_em_id_idx; INSERT INTO public.tarefas (estado) SELECT 'pronto' FROM generate_series(1, 20000); ANALYZE public.tarefas");
  const std::string out = check(database, strange_rules).out;
  EXPECT_THAT(out, HasSubstr("no usable index: each sweep reads the whole table (about 20000 rows)"));
  const auto from = out.find("CREATE INDEX CONCURRENTLY ON \"public\".\"tarefas\"");
  ASSERT_NE(from, std::string::npos) << out;
  database.exec(out.substr(from, out.find(';', from) - from));
  EXPECT_THAT(check(database, strange_rules).out, Not(HasSubstr("no usable index")));
}

TEST(rules_check, refuses_what_cannot_work_with_3_and_its_cure) {
  struct Misfit {
    std::string from, to;
    std::vector<const char*> words;
  };
  const std::vector<Misfit> misfits{
      {"public.tarefas", "public.tarefa", {"no such table", "did you mean \"public.tarefas\"?"}},
      {"\"criado_em\"", "\"criada_em\"", {"no column \"criada_em\"", "did you mean \"criado_em\"?"}},
      {"\"rodando\"", "\"rodada\"", {"not a value of the enum estado", "did you mean \"rodando\"?"}},
      {"\"falhou\"", "\"falho\"", {"not a value of the enum", "did you mean \"falhou\"?"}},
      {"public.estornar_creditos",
       "public.estornar",
       {"(refund)", "does not exist", "no function of that name exists"}},
      {"refund.user        = \"usuario_id\"",
       "refund.user        = \"custo\"",
       {"does not exist", "there is: estornar_creditos(text,integer,text)"}},
      {"refund.charged     = \"cobrado\"",
       "refund.charged     = \"nota\"",
       {"has the type text", "needs boolean"}},
      {"mensagem_erro = \"Tarefa cancelada; créditos estornados.\"",
       "custo = \"dez\"",
       {"(settle)", "invalid input syntax for type integer"}},
  };
  Database database = strange_database();
  for (const Misfit& misfit : misfits) {
    const ProcessResult result = check(database, changed(misfit.from, misfit.to));
    EXPECT_EQ(result.exit_code, 3) << misfit.to << result.out;
    for (const char* words : misfit.words) EXPECT_THAT(result.out, HasSubstr(words)) << misfit.to;
  }
}

TEST(rules_check, refuses_a_timestamp_without_time_zone) {
  Database database = strange_database();
  database.exec("ALTER TABLE public.tarefas ALTER COLUMN criado_em TYPE timestamp");
  const ProcessResult result = check(database, strange_rules);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "ALTER TABLE \"public\".\"tarefas\" ALTER COLUMN \"criado_em\" TYPE timestamptz USING \"criado_em\" AT TIME ZONE 'UTC'"));
}

TEST(rules_check, tells_missing_rights_with_the_grant) {
  Database database = strange_database();
  database.exec(
      "DO $$ BEGIN CREATE ROLE poor_role; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; GRANT SELECT ON public.tarefas TO poor_role");
  const ProcessResult result =
      check(database, std::string{"[database]\nrole = \"poor_role\"\n"} + strange_rules);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, HasSubstr("role poor_role may not read it"));
  EXPECT_THAT(result.out, HasSubstr("GRANT USAGE ON SCHEMA \"Clínica\" TO \"poor_role\""));
  EXPECT_THAT(result.out, HasSubstr("role poor_role may not update it"));
  database.exec(
      "GRANT USAGE ON SCHEMA \"Clínica\" TO poor_role; GRANT SELECT, UPDATE ON \"Clínica\".\"Exames Lab\", public.tarefas, public.saldos TO poor_role");
  EXPECT_EQ(check(database, std::string{"[database]\nrole = \"poor_role\"\n"} + strange_rules).exit_code, 0);
  database.exec("REVOKE EXECUTE ON FUNCTION public.estornar_creditos(text, integer, text) FROM PUBLIC");
  EXPECT_THAT(check(database, std::string{"[database]\nrole = \"poor_role\"\n"} + strange_rules).out,
              HasSubstr("GRANT EXECUTE ON FUNCTION \"public\".\"estornar_creditos\""));
}

TEST(rules_check, warns_of_rows_that_row_level_security_hides) {
  Database database = strange_database();
  database.exec(
      "DO $$ BEGIN CREATE ROLE limited_role; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
      "GRANT USAGE ON SCHEMA \"Clínica\" TO limited_role; GRANT ALL ON ALL TABLES IN SCHEMA public, \"Clínica\" TO limited_role; ALTER TABLE public.tarefas ENABLE ROW LEVEL SECURITY");
  EXPECT_THAT(check(database, std::string{"[database]\nrole = \"limited_role\"\n"} + strange_rules).out,
              HasSubstr("row level security applies to role limited_role"));
  EXPECT_THAT(check(database, strange_rules).out, Not(HasSubstr("row level security")));
}

TEST(rules_check, rehearses_and_rolls_back) {
  Database database = strange_database();
  add_tasks(database, 2);
  add_tasks(database, 1, "ana", "legal");
  const ProcessResult result = check(database, strange_rules, {"--rehearse"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("row 3 cannot be settled: em guarda judicial"));
  EXPECT_EQ(database.value("SELECT count(*) FROM public.tarefas WHERE estado = 'rodando'"), "3");
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "0");
}

TEST(rules_check, counts_rows_whose_age_nobody_knows) {
  Database database = strange_database();
  database.exec(R"(INSERT INTO "Clínica"."Exames Lab" ("Situação") VALUES ('Em Análise'), ('Em Análise'))");
  EXPECT_THAT(check(database, strange_rules).out,
              HasSubstr("2 rows are in a stuck status but Atualizado em is NULL"));
}

TEST(a_sweep, skips_a_rule_that_does_not_fit_applies_the_others_and_exits_with_3) {
  Database database = strange_database();
  database.exec(
      R"(ALTER TABLE public.tarefas RENAME COLUMN criado_em TO criada_em; INSERT INTO "Clínica"."Exames Lab" ("Situação", "Atualizado em") VALUES ('Em Análise', now() - interval '1 h'))");
  const ConfigFile config{strange_rules};
  const ProcessResult result = run_with(database, config, {"sweep"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.out, HasSubstr("settled 1 of 1"));
  EXPECT_THAT(result.out, HasSubstr("rule tarefas was not applied to public.tarefas"));
  EXPECT_THAT(result.out, HasSubstr("did you mean \"criada_em\"?"));
}

}  // namespace
}  // namespace jobwatchdog::test
