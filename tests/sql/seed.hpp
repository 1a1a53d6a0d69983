/// What the SQL tests start from: three users, charged jobs, and statements run as a browser or a server
/// would.
#pragma once

#include <string>

#include "tests/support/database.hpp"

namespace jobwatchdog::test {

inline const std::string alice = "a0000000-0000-4000-8000-00000000000a";
inline const std::string bob = "b0000000-0000-4000-8000-00000000000b";
inline const std::string admin = "c0000000-0000-4000-8000-00000000000c";
inline const std::string nobody = "d0000000-0000-4000-8000-00000000000d";

struct SeedJob {
  std::string table = "upscaler_jobs";
  std::string user = alice;
  std::string status = "running";
  std::string age = "1 hour";  ///< Of all its times.
  std::string task_id{};       ///< Empty: never reached the provider.
  int cost = 60;
  bool charged = true;  ///< With a ledger entry and a moved balance.
};

inline std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char letter : text) out += letter == '\'' ? std::string("''") : std::string(1, letter);
  return out + "'";
}

/// Adds a job and returns its id. A charged job leaves its user with 1000 minus all charges.
inline std::string add_job(Database& database, const SeedJob& job = {}) {
  const std::string id = database.value("SELECT gen_random_uuid()");
  const std::string then = "now() - interval " + quoted(job.age);
  database.exec(
      "INSERT INTO public." + job.table +
      " (id, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, started_at, task_id, api_account)"
      " VALUES (" +
      quoted(id) + "," + quoted(job.user) + "," + quoted(job.status) + "," + std::to_string(job.cost) + "," +
      (job.charged ? "true" : "false") + "," + then + "," + (job.status == "pending" ? "NULL" : then) + "," +
      (job.status == "pending" || job.status == "queued" ? "NULL" : then) + "," +
      (job.task_id.empty() ? "NULL" : quoted(job.task_id)) + ", 'arcano_main')");
  if (!job.charged) return id;
  database.exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES (" + quoted(job.user) +
                ", 1000) ON CONFLICT DO NOTHING;"
                "INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount) SELECT tool, " +
                quoted(id) + ", 'charge', " + quoted(job.user) + ", -" + std::to_string(job.cost) +
                " FROM watchdog.tools WHERE table_name = " + quoted(job.table) +
                ";UPDATE public.upscaler_credits SET balance = balance - " + std::to_string(job.cost) +
                " WHERE user_id = " + quoted(job.user));
  return id;
}

/// Admits a job as admission does: a queued one gets a place in the queue, one that starts or runs a slot.
inline void admit(Database& database, const std::string& id, int slot = 1) {
  database.exec(
      "INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt, queued_at) SELECT user_id, tool, id, attempt, "
      "CASE status WHEN 'queued' THEN queued_at END FROM public.ai_jobs WHERE id = " +
      quoted(id) +
      ";UPDATE watchdog.provider_slots AS slot SET state = 'taken', tool = job.tool, job_id = job.id, attempt = job.attempt, "
      "task_id = job.task_id FROM public.ai_jobs AS job WHERE job.id = " +
      quoted(id) +
      " AND job.status <> 'queued' AND slot.account = 'arcano_main' AND slot.slot = " + std::to_string(slot));
}

/// `sql` as a request of that role and user sees it; one implicit transaction, so the settings end with it.
inline std::string as(const std::string& role, const std::string& user, const std::string& sql) {
  const std::string subject = user.empty() ? "" : R"("sub":")" + user + R"(",)";
  return "SET LOCAL request.jwt.claims = '{" + subject + R"("role":")" + role + R"("}'; SET LOCAL ROLE )" +
         role + "; " + sql;
}

inline std::string as_user(const std::string& user, const std::string& sql) {
  return as("authenticated", user, sql);
}

/// Whether an error is a refusal by grants or by row level security. Judged by its words: libpqxx 6 drops
/// this SQLSTATE.
inline bool is_denied(const std::string& error) {
  return error.find("permission denied") != std::string::npos ||
         error.find("violates row-level security policy") != std::string::npos;
}

inline void make_admin(Database& database) {
  database.exec("INSERT INTO public.user_roles VALUES (" + quoted(admin) + ", 'admin')");
}

inline std::string balance(Database& database, const std::string& user = alice) {
  return database.value("SELECT balance FROM public.upscaler_credits WHERE user_id = " + quoted(user));
}

inline std::string status(Database& database, const std::string& id) {
  return database.value("SELECT status FROM public.ai_jobs WHERE id = " + quoted(id));
}

/// How many users have a balance that the ledger does not explain. Always "0".
inline std::string unexplained_balances(Database& database) {
  return database.value(
      "SELECT count(*) FROM public.upscaler_credits AS credits WHERE balance <> opening + COALESCE((SELECT sum(amount) "
      "FROM watchdog.credit_ledger AS entry WHERE entry.user_id = credits.user_id), 0)");
}

inline std::string settle(const std::string& ids, const std::string& status,
                          const std::string& table = "upscaler_jobs") {
  return "SELECT count(*) || ':' || COALESCE(sum(refunded_amount), 0) FROM watchdog.settle_jobs(" +
         quoted(table) + ", ARRAY[" + ids + "]::uuid[], '{\"status\":\"" + status + "\"}')";
}

}  // namespace jobwatchdog::test
