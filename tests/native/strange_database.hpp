/// A database as somebody else made it: quoted names, Portuguese letters, bigint keys, an enum, triggers that
/// refuse, a foreign key, and a refund function of its own. Nothing of ours is in it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/database.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {

inline Database strange_database() {
  Database database = Database::empty();
  database.exec(R"sql(
CREATE SCHEMA "Clínica";
CREATE TABLE "Clínica"."Médicos" (id bigint PRIMARY KEY, nome text);
CREATE TABLE "Clínica"."Exames Lab" (
  "Código" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "Situação" text NOT NULL CHECK ("Situação" IN ('Pendente', 'Em Análise', 'Concluído')),
  "Médico" bigint REFERENCES "Clínica"."Médicos" (id),
  "Atualizado em" timestamptz);
CREATE INDEX ON "Clínica"."Exames Lab" ("Atualizado em", "Código") WHERE "Situação" = 'Em Análise';

CREATE TYPE public.estado AS ENUM ('na_fila', 'rodando', 'pronto', 'falhou');
CREATE TABLE public.saldos (usuario text PRIMARY KEY, saldo integer NOT NULL CHECK (saldo <= 1000000));
CREATE TABLE public.tarefas (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  estado public.estado NOT NULL,
  usuario_id text,
  custo integer,
  cobrado boolean,
  estornado boolean,
  mensagem_erro text,
  nota text,
  criado_em timestamptz NOT NULL DEFAULT now(),
  terminado_em timestamptz);
CREATE INDEX ON public.tarefas (criado_em, id) WHERE estado = 'rodando';

CREATE FUNCTION public.estornar_creditos(usuario text, valor integer, motivo text)
RETURNS TABLE (success boolean, new_balance integer, error_message text) LANGUAGE plpgsql AS $$
BEGIN
  IF usuario = 'bloqueado' THEN
    RETURN QUERY SELECT false, NULL::integer, 'conta bloqueada'::text;
    RETURN;
  END IF;
  RETURN QUERY UPDATE public.saldos s SET saldo = s.saldo + valor WHERE s.usuario = estornar_creditos.usuario
    RETURNING true, s.saldo, NULL::text;
END $$;

CREATE FUNCTION public.guarda() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.nota = 'legal' THEN
    RAISE EXCEPTION 'em guarda judicial' USING HINT = 'pergunte ao jurídico';
  ELSIF OLD.nota = 'segredo' AND coalesce(current_setting('app.papel', true), '') <> 'robo' THEN
    RAISE EXCEPTION 'somente o robo pode';
  ELSIF OLD.nota = 'engolida' THEN
    RETURN NULL;
  ELSIF OLD.nota = 'teimosa' THEN
    NEW.estado := OLD.estado;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guarda BEFORE UPDATE ON public.tarefas FOR EACH ROW EXECUTE FUNCTION public.guarda();
)sql");
  return database;
}

/// Adds `count` running tasks of `user`, an hour old, that cost 10 each.
inline void add_tasks(Database& database, int count, const std::string& user = "ana",
                      const std::string& note = "") {
  database.exec(
      "INSERT INTO public.saldos VALUES ('" + user +
      "', 0) ON CONFLICT DO NOTHING; INSERT INTO public.tarefas (estado, usuario_id, custo, cobrado, estornado, nota, criado_em) SELECT 'rodando', '" +
      user + "', 10, true, false, '" + note +
      "', now() - interval '1 hour' + i * interval '1 ms' FROM generate_series(1, " + std::to_string(count) +
      ") AS i");
}

/// How many rows were ever inserted, updated or deleted in the user tables of this database, by whomever.
/** A process of the server counts its writes when it ends, which may be after its client has: so all others
 * are waited for. */
inline std::string writes_so_far(Database& database) {
  database.exec(R"sql(
DO $$ BEGIN
  WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND backend_type = 'client backend') LOOP
    PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
  END LOOP;
END $$)sql");
  database.exec("SELECT pg_stat_force_next_flush()");
  return database.value("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables");
}

/// The rules that a person would write for it.
inline const char* strange_rules = R"toml(
[[rule]]
name       = "exames"
tables     = ['"Clínica"."Exames Lab"']
key        = "Código"
status     = "Situação"
stuck_in   = ["Em Análise"]
age_of     = "Atualizado em"
older_than = "5 min"
set        = { "Situação" = "Pendente", "Atualizado em" = "now()" }
audit      = true

[[rule]]
name       = "tarefas"
tables     = ["public.tarefas"]
status     = "estado"
stuck_in   = ["rodando"]
age_of     = "criado_em"
older_than = "10 min"
set        = { estado = "falhou", mensagem_erro = "Tarefa cancelada; créditos estornados.", terminado_em = "now()" }
audit      = true
refund.function    = "public.estornar_creditos"
refund.user        = "usuario_id"
refund.amount      = "custo"
refund.charged     = "cobrado"
refund.refunded    = "estornado"
refund.description = "Estorno"
)toml";

/// A configuration file that goes with the object.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("jobwatchdog-" + std::to_string(getpid()) + "-" + std::to_string(++count_) + ".toml")) {
    std::ofstream{path_} << text;
  }
  ~ConfigFile() { std::filesystem::remove(path_); }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

/// Runs a command on a database with a configuration.
inline ProcessResult run_with(const Database& database, const ConfigFile& config,
                              std::vector<std::string> arguments,
                              const std::map<std::string, std::string>& env = {}) {
  arguments.insert(arguments.end(), {"--database-url", database.url(), "--config", config.path()});
  return run_jobwatchdog(arguments, env);
}

}  // namespace jobwatchdog::test
