// The sweep on a schema that it has never seen: settles what can be settled, pays once, isolates the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/rule_text.hpp"
#include "tests/core/example_rules.hpp"
#include "tests/native/strange_database.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

nlohmann::json sweep_json(const Database& database, const ConfigFile& config,
                          std::vector<std::string> arguments = {}, int exit_code = 0) {
  arguments.insert(arguments.begin(), {"sweep", "--json"});
  const ProcessResult result = run_with(database, config, arguments);
  EXPECT_EQ(result.exit_code, exit_code) << result.err << result.out;
  return nlohmann::json::parse(result.out, nullptr, false);
}

std::string count_of(Database& database, const std::string& status) {
  return database.value("SELECT count(*) FROM public.tarefas WHERE estado = '" + status + "'");
}

TEST(watch_sweep, settles_strange_names_and_touches_nothing_else) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  database.exec(
      R"(INSERT INTO "Clínica"."Exames Lab" ("Situação", "Atualizado em") VALUES ('Em Análise', now() - interval '6 min'),
    ('Em Análise', now() - interval '4 min'), ('Concluído', now() - interval '1 day'), ('Em Análise', NULL))");
  const auto json = sweep_json(database, config);
  EXPECT_EQ(json["settled_count"], 1);
  EXPECT_EQ(
      database.value(R"(SELECT string_agg("Situação", ',' ORDER BY "Código") FROM "Clínica"."Exames Lab")"),
      "Pendente,Em Análise,Concluído,Em Análise");
  EXPECT_EQ(
      database.value(
          R"(SELECT now() - "Atualizado em" < interval '1 min' FROM "Clínica"."Exames Lab" WHERE "Situação" = 'Pendente')"),
      "t");
}

TEST(watch_sweep, pays_each_charged_row_once_and_only_once) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 30);
  database.exec(
      "UPDATE public.tarefas SET cobrado = false WHERE id % 3 = 0; UPDATE public.tarefas SET estornado = true WHERE id % 3 = 1");
  EXPECT_EQ(sweep_json(database, config)["refunded_credits"], 100);
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "100");
  EXPECT_EQ(count_of(database, "falhou"), "30");
  EXPECT_EQ(sweep_json(database, config)["settled_count"], 0);
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "100");
}

TEST(watch_sweep, works_beside_an_older_history_and_says_that_it_leaves_it_alone) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 1);
  ASSERT_EQ(run_with(database, config, {"migrate", "--watch"}).exit_code, 0);
  // This migration can be applied to what it has made.
  database.exec("DELETE FROM watchdog.schema_migrations WHERE name = '0008_audit_packs_quickly'");
  EXPECT_THAT(run_with(database, config, {"doctor"}).out, HasSubstr("older than this binary"));
  const ProcessResult result = run_with(database, config, {"sweep"});
  EXPECT_EQ(result.exit_code, 0) << result.out;
  EXPECT_THAT(result.err, HasSubstr("migrate --watch"));
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.sweep_runs"), "0");
  ASSERT_EQ(run_with(database, config, {"migrate", "--watch"}).exit_code, 0);
  EXPECT_EQ(run_with(database, config, {"sweep"}).err, "");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.sweep_runs"), "1");
}

TEST(watch_sweep, would_pay_again_if_the_flag_were_taken_back) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 1);
  sweep_json(database, config);
  database.exec("UPDATE public.tarefas SET estado = 'rodando', estornado = false");
  sweep_json(database, config);
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "20")
      << "the twin: without the flag the test above would notice a second payment";
}

TEST(watch_sweep, isolates_each_kind_of_poison_and_settles_the_others) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 20);
  add_tasks(database, 1, "ana", "legal");
  add_tasks(database, 1, "ana", "engolida");
  add_tasks(database, 1, "ana", "teimosa");
  add_tasks(database, 1, "bloqueado");
  add_tasks(database, 1, "ana", "segredo");
  add_tasks(database, 20);
  database.exec(
      "INSERT INTO public.tarefas (estado, usuario_id, custo, cobrado, criado_em) VALUES ('rodando', 'fantasma', 10, true, now() - interval '1 hour')");
  add_tasks(database, 1, "rico");
  database.exec("UPDATE public.saldos SET saldo = 999999 WHERE usuario = 'rico'");

  const ProcessResult result = run_with(database, config, {"sweep"});
  EXPECT_EQ(result.exit_code, 6) << result.err;
  for (const char* reason : {"em guarda judicial", "pergunte ao jurídico", "the update was suppressed",
                             "put its status back to \"rodando\"", "conta bloqueada", "somente o robo pode",
                             "returned no row", "saldos_saldo_check"}) {
    EXPECT_THAT(result.out, HasSubstr(reason));
  }
  EXPECT_EQ(count_of(database, "falhou"), "40");
  EXPECT_EQ(count_of(database, "rodando"), "7");
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos WHERE usuario = 'ana'"), "400");
}

TEST(watch_sweep, settles_every_row_around_a_poison_row_in_each_position_of_a_batch) {
  for (int position = 1; position <= 8; ++position) {
    Database database = strange_database();
    const ConfigFile config{strange_rules};
    add_tasks(database, 8);
    database.exec("UPDATE public.tarefas SET nota = 'legal' WHERE id = " + std::to_string(position));
    const auto json = sweep_json(database, config, {"--batch-size", "8"}, 6);
    EXPECT_EQ(json["settled_count"], 7) << position;
    EXPECT_EQ(json["rules"][1]["tables"][0]["isolated"][0]["id"], std::to_string(position));
    EXPECT_EQ(json["rules"][1]["tables"][0]["isolated"][0]["sqlstate"], "P0001");
    EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "70") << position;
  }
}

TEST(watch_sweep, passes_a_trigger_that_wants_a_setting_or_a_role) {
  Database database = strange_database();
  add_tasks(database, 3, "ana", "segredo");
  const ConfigFile config{std::string{"[database]\nsettings = { \"app.papel\" = \"robo\" }\n"} +
                          strange_rules};
  EXPECT_EQ(sweep_json(database, config)["settled_count"], 3);
}

TEST(watch_sweep, dry_run_writes_nothing_and_tells_the_same_numbers) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 5);
  const std::string before =
      database.value("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM public.tarefas t");
  const std::string writes = writes_so_far(database);
  const auto json = sweep_json(database, config, {"--dry-run"});
  EXPECT_EQ(json["settled_count"], 5);
  EXPECT_EQ(json["refunded_credits"], 50);
  EXPECT_EQ(json["rules"][1]["tables"][0]["settled"].size(), 5U);
  EXPECT_EQ(database.value("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM public.tarefas t"), before);
  EXPECT_EQ(writes_so_far(database), writes);
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "0");
}

TEST(watch_sweep, that_is_no_dry_run_is_seen_to_write) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 5);
  const std::string writes = writes_so_far(database);
  sweep_json(database, config);
  EXPECT_NE(writes_so_far(database), writes) << "the twin: the test above would notice a write";
}

// Only a page in trouble is read before it is locked: the stubborn row makes it one.
TEST(watch_sweep, leaves_a_job_completed_that_completes_between_its_read_and_its_write) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 3);
  add_tasks(database, 1, "bia", "teimosa");
  const std::string complete = "after_find=psql -q '" + database.url() +
                               "' -c \"UPDATE public.tarefas SET estado = 'pronto' WHERE id = 2\"";
  const ProcessResult result = run_with(database, config, {"sweep", "--json", "--rule", "tarefas"},
                                        {{"WATCHDOG_FAILPOINT", complete}});
  const auto json = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_EQ(json["settled_count"], 2) << result.err;
  EXPECT_EQ(json["isolated_count"], 1);
  EXPECT_EQ(json["rules"][0]["tables"][0]["missed_count"], 0);
  EXPECT_EQ(database.value("SELECT estado FROM public.tarefas WHERE id = 2"), "pronto");
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos WHERE usuario = 'ana'"), "20");
}

TEST(watch_sweep, leaves_a_row_to_the_worker_that_holds_it) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 3);
  database.exec("BEGIN; SELECT 1 FROM public.tarefas WHERE id = 1 FOR UPDATE");
  const auto json = sweep_json(database, config);
  database.exec("ROLLBACK");
  EXPECT_EQ(json["settled_count"], 2);
  EXPECT_EQ(count_of(database, "rodando"), "1");
}

TEST(watch_sweep, two_at_once_refund_once) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 400);
  const std::string command = jobwatchdog_binary() + " sweep --json --batch-size 20 --config " +
                              config.path() + " --database-url '" + database.url() + "'";
  const ProcessResult both =
      run({"sh", "-c", command + " > /dev/null & " + command + " > /dev/null; wait $!"});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(count_of(database, "falhou"), "400");
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "4000");
}

TEST(watch_sweep, killed_before_its_commit_has_done_nothing_and_the_next_one_does_it) {
  for (const char* point : {"before_batch", "after_lock", "after_settle", "after_refund", "before_commit"}) {
    Database database = strange_database();
    const ConfigFile config{strange_rules};
    add_tasks(database, 5);
    const ProcessResult killed = run_with(database, config, {"sweep"},
                                          {{"WATCHDOG_FAILPOINT", std::string{point} + "=kill -9 $PPID"}});
    EXPECT_EQ(killed.exit_code, 137) << point;
    EXPECT_EQ(count_of(database, "rodando"), "5") << point;
    EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "0") << point;
    EXPECT_EQ(sweep_json(database, config)["settled_count"], 5) << point;
    EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "50") << point;
  }
}

TEST(watch_sweep, rescues_up_to_the_cap_and_then_reports) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), status text, rescues int, updated_at timestamptz);"
      "INSERT INTO jobs (status, rescues, updated_at) VALUES ('running', NULL, now() - interval '1 h')");
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"updated_at\"\nolder_than = \"5 min\"\n"
      "set = { status = \"pending\" }\nmax_rescues = 2\nrescue_count = \"rescues\"\n"};
  for (int rescue = 1; rescue <= 2; ++rescue) {
    EXPECT_EQ(sweep_json(database, config)["settled_count"], 1);
    EXPECT_EQ(database.value("SELECT rescues FROM jobs"), std::to_string(rescue));
    database.exec("UPDATE jobs SET status = 'running'");
  }
  const auto json = sweep_json(database, config);
  EXPECT_EQ(json["settled_count"], 0);
  EXPECT_EQ(json["rules"][0]["tables"][0]["exhausted_count"], 1);
  EXPECT_EQ(database.value("SELECT status FROM jobs"), "running");
}

TEST(watch_sweep, clears_columns_and_sets_numbers_and_booleans) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE jobs (id int PRIMARY KEY, state smallint, worker text, dead boolean, tries int, started timestamptz);"
      "INSERT INTO jobs VALUES (1, 2, 'w1', false, 0, now() - interval '1 h')");
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstatus = \"state\"\nstuck_in = [2]\nage_of = \"started\"\nolder_than = \"5 min\"\n"
      "set = { state = 9, dead = true, tries = 7 }\nclear = [\"worker\"]\n"};
  EXPECT_EQ(sweep_json(database, config)["settled_count"], 1);
  EXPECT_EQ(database.rows("SELECT state, worker, dead, tries FROM jobs"),
            (std::vector<std::vector<std::string>>{{"9", "", "t", "7"}}));
}

TEST(watch_sweep, pages_through_rows_of_the_same_instant_and_forgets_none) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), status text, updated_at timestamptz);"
      "INSERT INTO jobs (status, updated_at) SELECT 'running', date_trunc('day', now()) - interval '1 day' FROM generate_series(1, 105)");
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"updated_at\"\nolder_than = \"5 min\"\nset = { status = \"failed\" }\n"};
  EXPECT_EQ(sweep_json(database, config, {"--batch-size", "10"})["settled_count"], 105);
}

TEST(watch_sweep, stays_calm_over_infinite_times) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE jobs (id int PRIMARY KEY, status text, updated_at timestamptz);"
      "INSERT INTO jobs VALUES (1, 'running', '-infinity'), (2, 'running', 'infinity'), (3, 'running', now() - interval '1 h')");
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"updated_at\"\nolder_than = \"5 min\"\nset = { status = \"failed\" }\n"};
  EXPECT_EQ(sweep_json(database, config)["settled_count"], 1);
}

TEST(watch_sweep, isolates_an_amount_beyond_all_sense_and_settles_the_others) {
  for (const auto& [type, amount] : std::map<std::string, std::string>{
           {"numeric", "NaN"}, {"numeric(1000)", "1e30"}, {"bigint", "9223372036854775807"}}) {
    Database database = Database::empty();
    database.exec(
        "CREATE TABLE jobs (id int PRIMARY KEY, status text, u text, cost " + type +
        ", charged boolean, refunded boolean, at timestamptz); CREATE TABLE paid (amount numeric);"
        "INSERT INTO jobs SELECT i, 'running', 'ana', (CASE i WHEN 3 THEN '" +
        amount + "' ELSE '5' END)::" + type +
        ", true, false, now() - interval '1 h' FROM generate_series(1, 5) AS i;"
        "CREATE FUNCTION pay(u text, amount numeric, why text) RETURNS void LANGUAGE sql AS 'INSERT INTO paid VALUES (amount)'");
    const ConfigFile config{
        "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"at\"\nolder_than = \"5 min\"\nset = { status = \"failed\" }\n"
        "refund.function = \"pay\"\nrefund.user = \"u\"\nrefund.amount = \"cost\"\nrefund.charged = \"charged\"\nrefund.refunded = \"refunded\"\n"};
    const auto json = sweep_json(database, config, {}, 6);
    EXPECT_EQ(json["settled_count"], 4) << type;
    EXPECT_EQ(json["rules"][0]["tables"][0]["isolated"][0]["id"], "3") << type;
    EXPECT_EQ(database.value("SELECT sum(amount) FROM paid"), "20") << type;
    EXPECT_EQ(database.value("SELECT status || ' ' || refunded FROM jobs WHERE id = 3"), "running false");
  }
}

TEST(watch_sweep, settles_a_table_whose_every_name_is_an_attack) {
  Database database = Database::empty();
  const Rule rule = hostile_rule();
  database.exec("CREATE TABLE public.x (id int); CREATE SCHEMA " + quote_identifier(rule.tables[0].schema) +
                "; CREATE TABLE " + quoted(rule.tables[0]) + " (" + quote_identifier(rule.key) +
                " text PRIMARY KEY, " + quote_identifier(rule.status) + " text, " +
                quote_identifier(rule.age_of[0]) + " timestamptz, " + quote_identifier(rule.set[1].column) +
                " text)");
  for (const std::string& status : rule.stuck_in) {
    database.exec("INSERT INTO " + quoted(rule.tables[0]) + " VALUES (" +
                  quote_literal("key of " + status + "\\\",{}'") + ", " + quote_literal(status) +
                  ", now() - interval '1 h')");
  }
  const ConfigFile config{rule_as_toml(rule)};
  EXPECT_EQ(run_with(database, config, {"rules", "check"}).exit_code, 0);
  EXPECT_EQ(sweep_json(database, config)["settled_count"], 4);
  EXPECT_EQ(database.value("SELECT string_agg(DISTINCT " + quote_identifier(rule.status) + ", '|') FROM " +
                           quoted(rule.tables[0])),
            rule.set[0].text);
  EXPECT_EQ(database.value("SELECT to_regclass('public.x')"), "x");
}

TEST(watch_sweep, shows_a_bar_on_a_terminal_and_none_elsewhere) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 50);
  const ProcessResult on_terminal = run({"script", "-qec",
                                         "'" + jobwatchdog_binary() + "' sweep --batch-size 10 --config '" +
                                             config.path() + "' --database-url '" + database.url() + "'",
                                         "/dev/null"},
                                        {{"TERM", "xterm"}});
  EXPECT_THAT(on_terminal.out, HasSubstr("public.tarefas [######"));
  EXPECT_THAT(on_terminal.out, HasSubstr("50 of 50"));
  add_tasks(database, 50);
  EXPECT_EQ(run_with(database, config, {"sweep"}, {{"TERM", "xterm"}}).err, "");
}

TEST(watch_sweep, understands_every_shape_of_a_refund_functions_answer) {
  struct Shape {
    const char* returns;
    const char* body;
    bool pays;
    const char* language = "plpgsql";
  };
  const std::vector<Shape> shapes{
      {"void", "", true},
      {"void", "", true, "sql"},
      {"boolean", "RETURN true;", true},
      {"boolean", "RETURN false;", false},
      {"boolean", "RETURN NULL;", false},
      {"integer", "RETURN 5;", true},
      {"jsonb", "RETURN '{\"success\": true}';", true},
      {"json", "RETURN '{\"success\": false, \"error_message\": \"no\"}';", false},
      {"TABLE (success boolean)", "RETURN QUERY SELECT false;", false},
      {"TABLE (success boolean, x int)", "RETURN QUERY SELECT true, 1;", true},
      {"TABLE (success boolean, x int)", "RETURN QUERY SELECT NULL::boolean, 1;", false},
      {"TABLE (a int, b int)", "RETURN QUERY SELECT 1, 2;", true}};
  for (const Shape& shape : shapes) {
    Database database = Database::empty();
    database.exec(
        std::string{
            "CREATE TABLE jobs (id int PRIMARY KEY, status text, u text, cost int, charged boolean, refunded boolean, at timestamptz);"
            "CREATE TABLE paid (u text); INSERT INTO jobs VALUES (1, 'running', 'ana', 5, true, false, now() - interval '1 h');"
            "CREATE FUNCTION pay(u text, amount int, why text) RETURNS "} +
        shape.returns + " LANGUAGE " + shape.language + " AS $$ " +
        (shape.language == std::string{"sql"}
             ? "INSERT INTO paid VALUES (pay.u)"
             : std::string{"BEGIN INSERT INTO paid VALUES (pay.u); "} + shape.body + " END") +
        " $$");
    const ConfigFile config{
        "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"at\"\nolder_than = \"5 min\"\nset = { status = \"failed\" }\n"
        "refund.function = \"pay\"\nrefund.user = \"u\"\nrefund.amount = \"cost\"\nrefund.charged = \"charged\"\nrefund.refunded = \"refunded\"\n"};
    sweep_json(database, config, {}, shape.pays ? 0 : 6);
    EXPECT_EQ(database.value("SELECT count(*) FROM paid"), shape.pays ? "1" : "0")
        << shape.returns << " " << shape.body;
    EXPECT_EQ(database.value("SELECT status || ' ' || refunded FROM jobs"),
              shape.pays ? "failed true" : "running false")
        << shape.returns;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
