/// The functions of sql/functions that the life of jobs needs, in memory: one object is the whole database.
///
/// Each member is one transaction at one instant, or a part of one, and does to the tables what the function
/// of the same name does in PostgreSQL; store_agrees_test.cpp holds the two against each other.
#pragma once

#include "native/life/life_store.hpp"
#include "tests/simulation/life_tables.hpp"
#include "tests/simulation/mutant.hpp"

namespace jobwatchdog::test {

/// The database refuses a statement: its transaction changes nothing.
struct SqlRefusal {
  std::string sqlstate;
  std::string message;
};

/// One job that is to be settled, and what it is told with.
struct Settling {
  JobKey job;
  std::optional<int> attempt{};
  MaybeText output_url{};
  MaybeText error_message{};
};

/// An outcome that a node wrote, for the laws: the tables keep it in the audit log.
struct NodeEnding {
  AttemptKey attempt;
  JobStatus from{};
  JobStatus status{};
  bool task_has_ended{false};
  Instant deadline_at{};
  MaybeText task_id{};
  MaybeText output_url{};
  bool webhook_was_heard{false};
};

/// A place in the queue that a claim ended.
struct ClaimedPlace {
  JobKey job;
  std::string account;
  Instant queued_at;
};

/// Who started, and when: a check was leased.
struct CheckLease {
  AttemptKey attempt;
  Instant at;
};

class LifeModel {
 public:
  explicit LifeModel(Mutant mutant = Mutant::none) : mutant_(mutant) {}

  // What people do.
  void create_job(const JobKey& job, const std::string& user, int cost, bool payload_is_sound);
  std::string start_job(const JobKey& job, const std::string& user);
  bool cancel_job(const JobKey& job, bool as_admin);
  bool fail_pending_job(const JobKey& job, const std::string& error_message);
  [[nodiscard]] std::optional<int> queue_position(const JobKey& job) const;

  // What nodes do.
  [[nodiscard]] std::vector<AccountToServe> accounts_to_serve() const;
  std::vector<ClaimedJob> claim_next_jobs(const std::string& account, const std::string& owner,
                                          const std::vector<std::string>& tokens, Duration lease);
  std::vector<std::string> record_submissions(const Json& answers, const LeaseHolder& holder);
  std::vector<LeasedCheck> lease_due_checks(const std::string& owner, int count_max, Duration lease);
  int record_checks(const std::string& owner, const Json& checks);
  std::vector<SettledAttempt> settle_attempts(const Json& rows);
  std::vector<LeasedTask> lease_ended_tasks(const std::string& owner, int count_max, Duration lease);
  std::vector<std::string> record_ended_tasks(const Json& rows);
  int record_webhook_repairs(const Json& rows);
  int free_expired_slots();
  /// The transaction of a turn, as SqlLifeStore makes it.
  TurnOutcome save(const TurnRecords& records, const LeaseHolder& holder);

  // What the server, cron and the sweep do.
  std::string receive_webhook(const MaybeText& token, const MaybeText& task_id, const std::string& body);
  int cleanup_all_stale_ai_jobs();
  std::vector<JobKey> settle_locked_jobs(const std::vector<Settling>& wanted, JobStatus status,
                                         bool task_has_ended);

  [[nodiscard]] Mutant mutant() const { return mutant_; }

  Tables tables;
  Instant now{};
  std::uint64_t version{0};  ///< Grows with every change.
  std::vector<NodeEnding> endings;
  std::vector<ClaimedPlace> claimed;
  std::vector<CheckLease> leases;
  std::optional<Tables> seen;  ///< For mutants that decide by what they read before they waited for a lock.

 private:
  using Slot = std::pair<const std::pair<std::string, int>, SlotRow>;

  void move_to(const JobKey& key, JobRow& job, JobStatus status);
  void free_slot(SlotRow& slot);
  void pay_refund(const JobKey& key, const JobRow& job);
  void pay_by_mistake(const std::vector<Settling>& wanted, JobStatus status);
  void give_back(const JobKey& key, const std::string& user, int amount);
  void release(const JobKey& key, JobStatus status, bool task_has_ended);
  [[nodiscard]] const LedgerRow* ledger_entry(const JobKey& key, bool is_refund) const;
  [[nodiscard]] SlotRow* slot_of(const AttemptKey& attempt);
  [[nodiscard]] ActiveRow* active_of(const AttemptKey& attempt);
  [[nodiscard]] std::vector<std::pair<std::string, ActiveRow>> queue_head(const std::string& account,
                                                                          std::size_t count_max) const;
  [[nodiscard]] Attempt attempt_of(const AttemptKey& attempt, const std::string& account) const;
  [[nodiscard]] bool is_paused(const std::string& account) const;
  ClaimedJob start_attempt(const std::string& user, ActiveRow& active, const std::string& owner,
                           const std::string& token, Duration lease);
  [[nodiscard]] ClaimedJob claimed_job(const AttemptKey& attempt, const SubmissionRow& submission) const;
  [[nodiscard]] std::string became_of(const AttemptKey& attempt, const std::string& outcome) const;
  void refuse_doubled_task(const Json& answers) const;
  void apply_submission(const AttemptKey& attempt, const std::string& became, const Json& answer,
                        const LeaseHolder& holder);
  void note_submitted_orphan(const AttemptKey& attempt, const std::string& became, const std::string& outcome,
                             const MaybeText& task_id);
  void pause_accounts(const std::vector<std::pair<AttemptKey, const Json*>>& told);
  void ring(const AttemptKey& attempt);
  void take_claimed_names();
  [[nodiscard]] std::string claim_token_hash(const AttemptKey& attempt) const;
  void record_living_task(const AttemptKey& attempt, const Json& row);
  [[nodiscard]] bool record_ended_task(const AttemptKey& attempt, const Json& row);
  [[nodiscard]] bool is_stale(const JobKey& key, const JobRow& job) const;
  [[nodiscard]] bool was_heard(const JobKey& key) const;

  Mutant mutant_;
  std::vector<std::pair<JobKey, JobRow>> unpaid_;  ///< Of the mutant that pays later.
};

/// The attempt that a record names.
[[nodiscard]] AttemptKey attempt_key(const Json& row);
/// A text of a record; nothing where it is null or missing.
[[nodiscard]] MaybeText text_at(const Json& row, const char* name);

}  // namespace jobwatchdog::test
