// The statements of the reconciler.
#include "native/life/life_store.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/sql_text.hpp"
#include "native/failpoint.hpp"
#include "native/json_text.hpp"
#include "native/life/watch_json.hpp"
#include "native/retry.hpp"

namespace jobwatchdog {
namespace {

constexpr TransactionOptions writing{.statement_timeout = seconds(10), .lock_timeout = milliseconds(500)};

std::string interval_of(Duration duration) { return std::to_string(duration.ms) + " milliseconds"; }

Attempt attempt_of(const Rows& rows, std::size_t i) {
  return {rows.text(i, "tool"), rows.text(i, "table_name"), rows.text(i, "job_id"),
          static_cast<int>(rows.integer(i, "attempt")), rows.text(i, "account")};
}

JobAtWork job_of(const Rows& rows, std::size_t i) {
  JobAtWork job;
  job.status = job_status_of(rows.text(i, "status")).value_or(JobStatus::running);
  job.task_id = rows.at(i, "task_id");
  job.claimed_task_id = rows.at(i, "claimed_task_id");
  job.started_at = {rows.integer(i, "started_at_ms")};
  job.deadline_at = {rows.integer(i, "deadline_at_ms")};
  job.was_rung = rows.boolean(i, "was_rung");
  job.watch = watch_of_json(rows.text(i, "watch"));
  return job;
}

/// One transaction of a turn: runs what there is to run and fills the outcome anew each time.
class TurnTransaction {
 public:
  TurnTransaction(Transaction& transaction, const LeaseHolder& holder, TurnOutcome& outcome)
      : transaction_(transaction), holder_(holder), outcome_(outcome) {
    outcome_ = {};
  }

  std::optional<DatabaseError> run(const TurnRecords& records) {
    if (auto error = lock_admission(records)) return error;
    if (auto error = record_submissions(records)) return error;
    failpoint("after_submissions");
    if (auto error = settle(records)) return error;
    failpoint("after_settlements");
    if (auto error = record_checks(records)) return error;
    if (auto error = record_ended_tasks(records)) return error;
    if (auto error = record_repairs(records)) return error;
    for (const ClaimWish& wish : records.claims) {
      if (auto error = claim(wish)) return error;
    }
    if (auto error = lease_checks(records.leases_wanted)) return error;
    failpoint("before_turn_commit");
    return std::nullopt;
  }

 private:
  DatabaseResult<Rows> call(const std::string& sql, std::vector<Text> parameters) {
    parameters.insert(parameters.begin(), holder_.owner);
    return transaction_.query(sql, parameters);
  }

  /// The lock of admission comes before all others.
  std::optional<DatabaseError> lock_admission(const TurnRecords& records) {
    std::set<std::string> accounts;
    for (const ClaimWish& wish : records.claims) accounts.insert(wish.account);
    for (const std::string& account : accounts) {
      const DatabaseResult<Rows> rows = transaction_.query("SELECT watchdog.lock_admission($1)", {account});
      if (!rows.ok()) return rows.error();
    }
    return std::nullopt;
  }

  std::optional<DatabaseError> record_submissions(const TurnRecords& records) {
    if (records.submissions.empty()) return std::nullopt;
    const DatabaseResult<Rows> rows =
        call("SELECT became FROM watchdog.record_submissions($1, $2::jsonb, $3::interval)",
             {json_line(records.submissions), interval_of(holder_.first_check_after)});
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i)
      outcome_.submissions_became.push_back(rows.value().text(i, "became"));
    return std::nullopt;
  }

  std::optional<DatabaseError> settle(const TurnRecords& records) {
    if (records.settlements.empty()) return std::nullopt;
    const DatabaseResult<Rows> rows = call(
        "SELECT settled.*, '' AS table_name, '' AS account FROM watchdog.settle_attempts($1, $2::jsonb) AS settled",
        {json_line(records.settlements)});
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i) {
      outcome_.settled.push_back({attempt_of(rows.value(), i), rows.value().text(i, "status"),
                                  rows.value().integer(i, "refunded_amount"),
                                  rows.value().boolean(i, "webhook_was_heard")});
    }
    return std::nullopt;
  }

  std::optional<DatabaseError> record_checks(const TurnRecords& records) {
    if (records.checks.empty()) return std::nullopt;
    const DatabaseResult<Rows> rows =
        call("SELECT watchdog.record_checks($1, $2::jsonb)", {json_line(records.checks)});
    return rows.ok() ? std::nullopt : std::optional{rows.error()};
  }

  std::optional<DatabaseError> record_ended_tasks(const TurnRecords& records) {
    if (records.ended_tasks.empty()) return std::nullopt;
    const DatabaseResult<Rows> rows = call("SELECT became FROM watchdog.record_ended_tasks($1, $2::jsonb)",
                                           {json_line(records.ended_tasks)});
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i)
      outcome_.ended_tasks_became.push_back(rows.value().text(i, "became"));
    return std::nullopt;
  }

  std::optional<DatabaseError> record_repairs(const TurnRecords& records) {
    if (records.repairs.empty()) return std::nullopt;
    const DatabaseResult<Rows> rows = call(
        "SELECT watchdog.record_webhook_repairs($1, $2::jsonb) AS repaired", {json_line(records.repairs)});
    if (!rows.ok()) return rows.error();
    outcome_.repaired_count = rows.value().integer(0, "repaired");
    return std::nullopt;
  }

  std::optional<DatabaseError> claim(const ClaimWish& wish) {
    std::map<std::string, std::string> token_of;
    std::vector<std::string> hashes;
    for (const std::string& token : wish.tokens) {
      hashes.push_back(token_hash_of(token));
      token_of[hashes.back()] = token;
    }
    const DatabaseResult<Rows> rows = call(
        "SELECT claimed.*, token_hash::text AS hash, $2 AS account "
        "FROM watchdog.claim_next_jobs($2, $1, $3::bytea[], $4::interval) AS claimed",
        {wish.account, array_literal(hashes), interval_of(holder_.lease)});
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i) {
      const Rows& claimed = rows.value();
      outcome_.claimed.push_back({attempt_of(claimed, i), claimed.text(i, "app_id"),
                                  nlohmann::json::parse(claimed.text(i, "inputs"), nullptr, false),
                                  claimed.text(i, "problem"), claimed.text(i, "webhook_path"),
                                  token_of[claimed.text(i, "hash")]});
    }
    return std::nullopt;
  }

  std::optional<DatabaseError> lease_checks(int count_max) {
    if (count_max == 0) return std::nullopt;
    const DatabaseResult<Rows> rows = call("SELECT * FROM watchdog.lease_due_checks($1, $2, $3::interval)",
                                           {std::to_string(count_max), interval_of(holder_.lease)});
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i)
      outcome_.leased.push_back({attempt_of(rows.value(), i),
                                 job_of(rows.value(), i),
                                 {rows.value().integer(i, "now_ms")},
                                 rows.value().text(i, "token_hash")});
    return std::nullopt;
  }

  Transaction& transaction_;
  const LeaseHolder& holder_;
  TurnOutcome& outcome_;
};

}  // namespace

std::string token_hash_of(const std::string& token) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return fmt::format("\\x{:02x}", fmt::join(digest, ""));
}

bool TurnRecords::is_empty() const {
  return submissions.empty() && settlements.empty() && checks.empty() && ended_tasks.empty() &&
         repairs.empty() && claims.empty() && leases_wanted == 0;
}

DatabaseResult<std::vector<LeasedTask>> SqlLifeStore::lease_ended_tasks(int count_max) {
  const DatabaseResult<Rows> rows = query_patiently(
      connection_, "SELECT * FROM watchdog.lease_ended_tasks($1, $2, $3::interval)",
      {holder_.owner, std::to_string(count_max), interval_of(holder_.lease)}, writing, must_stop_);
  if (!rows.ok()) return rows.error();
  std::vector<LeasedTask> tasks;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    tasks.push_back({attempt_of(rows.value(), i), rows.value().text(i, "task_id"),
                     static_cast<int>(rows.value().integer(i, "check_count")),
                     rows.value().boolean(i, "is_orphan"), rows.value().text(i, "claim_token_hash")});
  }
  return tasks;
}

DatabaseResult<std::vector<AccountToServe>> SqlLifeStore::accounts_to_serve() {
  const DatabaseResult<Rows> rows =
      query_patiently(connection_, "SELECT account, wanted_count FROM watchdog.accounts_to_serve()", {},
                      {.read_only = true}, must_stop_);
  if (!rows.ok()) return rows.error();
  std::vector<AccountToServe> accounts;
  for (std::size_t i = 0; i < rows.value().size(); ++i)
    accounts.push_back(
        {rows.value().text(i, "account"), static_cast<int>(rows.value().integer(i, "wanted_count"))});
  return accounts;
}

DatabaseResult<TurnOutcome> SqlLifeStore::save(const TurnRecords& records) {
  TurnOutcome outcome;
  const auto error = transact_patiently(
      connection_, writing,
      [&](Transaction& transaction) {
        return TurnTransaction{transaction, holder_, outcome}.run(records);
      },
      must_stop_);
  if (error) return *error;
  failpoint("after_turn_commit");
  return outcome;
}

std::optional<DatabaseError> SqlLifeStore::tidy_up() {
  const DatabaseResult<Rows> rows = query_patiently(
      connection_, "SELECT watchdog.free_expired_slots(), watchdog.prune_webhooks('1 day', '30 days', 10000)",
      {}, writing, must_stop_);
  return rows.ok() ? std::nullopt : std::optional{rows.error()};
}

}  // namespace jobwatchdog
