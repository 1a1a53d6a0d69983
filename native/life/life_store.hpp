/// The life of jobs in the database: every statement of the reconciler, rows in and values out.
///
/// All of it may run twice, because the answer to a COMMIT may be lost: the functions of sql/ record an
/// answer once, settle an attempt once, and claim nothing new for tokens that they know.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/reconciliation.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

/// Which attempt of which job: what every record of the life functions names.
struct Attempt {
  std::string tool;
  std::string table;
  std::string job_id;
  int number{0};
  std::string account;
};

struct LeasedCheck {
  Attempt attempt;
  JobAtWork job;
  Instant leased_at;         ///< By the database's clock.
  std::string token_hash{};  ///< As token_hash_of() tells it; "" for a job that was never submitted.
};

/// A task whose job is over.
struct LeasedTask {
  Attempt attempt;
  std::string task_id;
  int check_count{0};
  bool is_orphan{false};
  std::string claim_token_hash{};  ///< Only a webhook named the task: its token must prove it; "" = known.
};

/// The hash of a webhook's token as the tables hold it, in the spelling of bytea.
[[nodiscard]] std::string token_hash_of(const std::string& token);

/// A job that was given a slot and is to be submitted.
struct ClaimedJob {
  Attempt attempt;
  std::string app_id;
  nlohmann::json inputs;  ///< [{nodeId, fieldName, fieldValue}]
  std::string problem;    ///< Why it cannot be submitted; "" when it can.
  std::string webhook_path;
  std::string token;
};

/// How many jobs to claim of an account, each under a token of its own: 64 hexadecimal digits.
struct ClaimWish {
  std::string account;
  std::vector<std::string> tokens;
};

/// What one turn of a node has to write, and what it asks for, in one transaction.
struct TurnRecords {
  nlohmann::json submissions = nlohmann::json::array();  ///< See watchdog.record_submissions.
  nlohmann::json settlements = nlohmann::json::array();  ///< See watchdog.settle_attempts.
  nlohmann::json checks = nlohmann::json::array();       ///< See watchdog.record_checks.
  nlohmann::json ended_tasks = nlohmann::json::array();  ///< See watchdog.record_ended_tasks.
  nlohmann::json repairs = nlohmann::json::array();      ///< See watchdog.record_webhook_repairs.
  std::vector<ClaimWish> claims;
  int leases_wanted{0};  ///< At most as many checks that are due are leased.

  [[nodiscard]] bool is_empty() const;
};

struct SettledAttempt {
  Attempt attempt;
  std::string status;
  std::int64_t refunded_credits{0};
  bool webhook_was_heard{false};
};

/// What came of it.
struct TurnOutcome {
  std::vector<std::string> submissions_became;
  std::vector<SettledAttempt> settled;
  std::vector<std::string> ended_tasks_became;
  std::int64_t repaired_count{0};
  std::vector<ClaimedJob> claimed;
  std::vector<LeasedCheck> leased;
};

struct AccountToServe {
  std::string account;
  int wanted_count{0};  ///< The lesser of waiting jobs and free slots.
};

/// Who leases: the name of this process, and for how long a lease holds when it dies.
struct LeaseHolder {
  std::string owner;
  Duration lease{seconds(60)};
  Duration first_check_after{seconds(30)};
};

/// What a node asks of the memory of all nodes. Each call is one transaction.
class LifeStore {
 public:
  virtual ~LifeStore() = default;

  [[nodiscard]] virtual DatabaseResult<std::vector<LeasedTask>> lease_ended_tasks(int count_max) = 0;
  [[nodiscard]] virtual DatabaseResult<std::vector<AccountToServe>> accounts_to_serve() = 0;
  [[nodiscard]] virtual DatabaseResult<TurnOutcome> save(const TurnRecords& records) = 0;
  /// Frees slots whose deadline passed and forgets old webhooks: now and then is enough.
  [[nodiscard]] virtual std::optional<DatabaseError> tidy_up() = 0;
};

/// The one that is PostgreSQL.
class SqlLifeStore final : public LifeStore {
 public:
  SqlLifeStore(Connection& connection, LeaseHolder holder, std::function<bool()> must_stop)
      : connection_(connection), holder_(std::move(holder)), must_stop_(std::move(must_stop)) {}

  [[nodiscard]] DatabaseResult<std::vector<LeasedTask>> lease_ended_tasks(int count_max) override;
  [[nodiscard]] DatabaseResult<std::vector<AccountToServe>> accounts_to_serve() override;
  [[nodiscard]] DatabaseResult<TurnOutcome> save(const TurnRecords& records) override;
  [[nodiscard]] std::optional<DatabaseError> tidy_up() override;

 private:
  Connection& connection_;
  LeaseHolder holder_;
  std::function<bool()> must_stop_;
};

}  // namespace jobwatchdog
