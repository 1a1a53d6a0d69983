/// The reconciler: one node's share of the life of jobs. Load -> decide -> save -> act, turn by turn.
///
/// Leases what is due, asks the provider, settles by its word, claims waiting jobs and submits them, chases
/// tasks whose job is over. Any number of nodes work side by side: leases share the work out, and the guards
/// in the database decide every race. Killed at any instruction it loses nothing but its leases.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/reconciliation.hpp"
#include "native/life/life_store.hpp"
#include "native/life/watch_policies.hpp"
#include "native/provider/provider.hpp"

namespace jobwatchdog {

struct ReconcilerOptions {
  LeaseHolder holder;
  std::string public_url;  ///< Where the provider's webhooks shall go; "" = submits without a webhook.
  bool starts_jobs{true};  ///< Claims and submits waiting jobs.
  int questions_at_once_max{400};  ///< Under way at the provider, of all kinds.
  std::function<ToolPolicy(const std::string& tool)> policy_of;
  std::function<bool()> must_stop;
  /// Something of the job was saved.
  std::function<void(const std::string& tool, const std::string& job_id)> on_news{};
  /// Time since any fixed moment, by a clock that only goes on; empty = this machine's. It measures rests
  /// and answers here; when anything happened to a job, the database's clock says.
  std::function<Duration()> clock{};
  std::function<std::uint64_t()> random{};  ///< 64 bits a call; empty = the system's generator.
};

/// What a reconciler has done so far; each field is also a counter of the metrics.
struct ReconcileCounts {
  std::int64_t checks{0};   ///< Answers about tasks of active jobs.
  std::int64_t unknown{0};  ///< Of these: no usable answer.
  std::int64_t completed{0};
  std::int64_t failed{0};   ///< By the provider's word or the hard deadline.
  std::int64_t overdue{0};  ///< Of these: by the hard deadline.
  std::int64_t refunded_credits{0};
  std::int64_t submitted{0};     ///< Accepted by the provider.
  std::int64_t sent_back{0};     ///< No capacity: back to the queue.
  std::int64_t refused{0};       ///< Failed and refunded because the provider does not take it.
  std::int64_t in_doubt{0};      ///< Submits whose answer was lost: held.
  std::int64_t cancels{0};       ///< Sent to the provider.
  std::int64_t ended_tasks{0};   ///< Confirmed ends of tasks whose job was over.
  std::int64_t late_results{0};  ///< Of these: with a result, kept beside the outcome.
  std::int64_t webhooks_repaired{0};
};

/// For how long finish() waits for the answers to submits: as long as a submit may take, and a little.
inline constexpr Duration finish_patience = seconds(35);

class Reconciler {
 public:
  Reconciler(LifeStore& store, Provider& provider, ReconcilerOptions options);

  /// One turn: looks for work when it is time to, saves what the last answers decided, acts, and waits for
  /// answers for at most `patience`.
  /** Errors: the database is gone for good; what was not saved is found again when the leases end. */
  [[nodiscard]] std::optional<DatabaseError> turn(Duration patience);
  /// The next turn looks for work, whenever the last one did.
  void look_soon() { looked_at_.reset(); }
  /// Nothing is under way, nothing unsaved, and the last look found nothing due.
  [[nodiscard]] bool is_idle() const;
  /// Takes no new work, lets submits be answered for at most `patience`, and gives its leases back.
  [[nodiscard]] std::optional<DatabaseError> finish(Duration patience);

  [[nodiscard]] const ReconcileCounts& counts() const { return counts_; }

 private:
  struct Check {
    LeasedCheck leased;
    WatchPolicy policy;
    Duration begun_at;  ///< When it was leased, by the clock here.
  };
  /// A task that ended and whose job is settled by it.
  struct EndedTask {
    Attempt attempt;
    std::string task_id;
  };

  [[nodiscard]] std::optional<DatabaseError> look_for_work();
  [[nodiscard]] std::optional<DatabaseError> look_around();
  [[nodiscard]] std::optional<DatabaseError> lease_ended_tasks();
  [[nodiscard]] std::optional<DatabaseError> wish_for_claims();
  void wish_for_claim(const std::string& account, int count);
  void free_slot(const std::string& account);
  [[nodiscard]] std::optional<DatabaseError> save();
  void begin(LeasedCheck leased);
  void decide(const Check& check, const CheckDecision& decision, const std::string& verdict,
              const std::string& words);
  void adopt(const Attempt& attempt, const std::string& task_id);
  void submit(const ClaimedJob& job);
  void take_answer(const ProviderAnswer& answer);
  void take_submission(const Attempt& attempt, const Submission& submission, const std::string& words);
  void take_check(Check check, const ProviderAnswer& answer);
  void take_chase(LeasedTask task, const ProviderAnswer& answer);
  void count(const TurnOutcome& outcome);
  void tell_news(const TurnOutcome& outcome) const;
  std::uint64_t ask(ProviderQuestion question);
  /// How many more questions may be under way.
  [[nodiscard]] int room() const;
  [[nodiscard]] bool takes_work() const;
  [[nodiscard]] int draw_permille();

  LifeStore& store_;
  Provider& provider_;
  ReconcilerOptions options_;
  ReconcileCounts counts_;
  std::map<std::uint64_t, Check> checks_;
  std::map<std::uint64_t, Attempt> submits_;
  std::map<std::uint64_t, LeasedTask> chases_;
  std::map<std::uint64_t, EndedTask> repairs_;    ///< Whose webhook was not heard.
  std::map<std::string, EndedTask> ended_tasks_;  ///< By job, of settlements that wait to be saved.
  std::map<std::string, int> refusal_count_;      ///< Of an account, in a row.
  TurnRecords records_;
  std::uint64_t last_number_{0};
  bool found_work_{true};
  bool more_may_be_due_{true};
  bool is_finishing_{false};
  std::optional<Duration> looked_at_;
  Duration tidied_at_;
  std::optional<Duration> chased_at_;
};

}  // namespace jobwatchdog
