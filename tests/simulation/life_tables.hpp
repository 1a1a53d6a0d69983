/// The tables that the life of jobs lives in, as values: what sql/migrations make, column by column.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/job_status.hpp"
#include "core/time.hpp"

namespace jobwatchdog::test {

using Json = nlohmann::json;
using MaybeText = std::optional<std::string>;
using MaybeInstant = std::optional<Instant>;

struct JobKey {
  std::string tool;
  std::string id;

  auto operator<=>(const JobKey&) const = default;
};

struct AttemptKey {
  JobKey job;
  int attempt{0};

  auto operator<=>(const AttemptKey&) const = default;
};

struct ToolRow {
  std::string table_name;
  std::string account;
  std::string webhook_path{"runninghub-webhook"};
  int attempts_max{10};
  Duration queued_stale_after{minutes(10)};
  Duration stale_after{minutes(10)};
  Duration hard_deadline_after{minutes(12)};
};

struct JobRow {
  std::string user;
  JobStatus status{JobStatus::pending};
  MaybeText task_id{};
  MaybeText account{};
  bool payload_is_sound{true};  ///< Whether task_of_payload() finds no problem.
  int cost{0};
  bool charged{false};
  bool refunded{false};
  MaybeText output_url{};
  MaybeText late_output_url{};
  MaybeText error_message{};
  int attempt{0};
  Instant created_at{};
  MaybeInstant queued_at{};
  MaybeInstant started_at{};
  MaybeInstant completed_at{};
};

/// Of active_jobs; its key is the user.
struct ActiveRow {
  JobKey job;
  int attempt{0};
  std::string account;
  Instant admitted_at{};
  Instant next_check_at{};
  MaybeInstant lease_until{};
  MaybeText lease_owner{};
  MaybeInstant queued_at{};
  MaybeInstant deadline_at{};
  MaybeInstant leased_at{};
  MaybeInstant rung_at{};
  MaybeInstant seen_at{};
  int check_count{0};
  MaybeText last_verdict{};
  Json watch{};
};

enum class SlotState { free, taken, cancelling };

/// Of provider_slots; its key is the account and the number.
struct SlotRow {
  SlotState state{SlotState::free};
  std::optional<AttemptKey> holder{};
  MaybeText task_id{};
  Instant changed_at{};
  MaybeInstant deadline_at{};
  MaybeInstant next_check_at{};
  MaybeInstant lease_until{};
  MaybeText lease_owner{};
  int check_count{0};
};

struct SubmissionRow {
  std::string account;
  std::string token;  ///< The tables hold its hash alone.
  std::string token_hash{};
  Instant submitted_at{};
  MaybeInstant answered_at{};
  std::string outcome{"open"};
  MaybeText task_id{};
  MaybeText claimed_task_id{};
  MaybeInstant task_ended_at{};
};

/// Of webhook_inbox; its key is the token and the body.
struct InboxRow {
  MaybeText task_id{};
  std::optional<AttemptKey> submission{};
  std::string outcome;
  int seen_count{1};
};

struct OrphanRow {
  std::string account;
  MaybeText task_id{};
  std::string reason;
  Instant noted_at{};
  Instant next_check_at{};
  int check_count{0};
  MaybeInstant lease_until{};
  MaybeText lease_owner{};
  MaybeInstant ended_at{};
  MaybeText end_verdict{};
};

struct AccountRow {
  MaybeInstant submits_paused_until{};
  MaybeText pause_reason{};
};

struct LedgerRow {
  JobKey job;
  bool is_refund{false};
  std::string user;
  int amount{0};
};

struct BalanceRow {
  int opening{0};
  int balance{0};
};

/// What the audit log says that a job ended as.
struct EvidenceRow {
  JobKey job;
  std::string status;
};

/// What a trigger on the status of ai_jobs would write down.
struct TransitionRow {
  JobKey job;
  JobStatus from{};
  JobStatus to{};
  Instant at{};
};

struct Tables {
  std::map<std::string, ToolRow> tools;
  std::map<JobKey, JobRow> jobs;
  std::map<std::string, ActiveRow> active;
  std::map<std::pair<std::string, int>, SlotRow> slots;
  std::map<AttemptKey, SubmissionRow> submissions;
  std::map<std::pair<std::string, std::string>, InboxRow> inbox;
  std::map<AttemptKey, OrphanRow> orphans;
  std::map<std::string, AccountRow> accounts;
  std::vector<LedgerRow> ledger;
  std::map<std::string, BalanceRow> balances;
  std::vector<EvidenceRow> evidence;
  std::vector<TransitionRow> transitions;
};

}  // namespace jobwatchdog::test
