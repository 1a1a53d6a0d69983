/// Design mistakes that can be switched on, each of which a law must notice.
#pragma once

#include <array>
#include <string_view>

namespace jobwatchdog::test {

enum class Mutant {
  none,
  count_without_lock,
  stale_queue_head,
  settle_by_id_only,
  no_attempt_guard,
  no_seen_status,
  refund_by_flag,
  user_looked_up,
  slot_freed_by_user,
  webhook_by_task_id,
  refund_in_second_transaction,
  skips_locked_head,
  late_success_overwrites,
  webhook_sets_outcome,
  checks_without_rest,
  refund_on_unknown,
  resubmits_in_doubt,
  slot_freed_at_cancel,
  deadline_by_node_clock,
  refund_without_ledger_key,
  expired_slots_stay,
  orphans_not_noted,
  adopted_as_seen,
};

struct MutantRow {
  Mutant mutant;
  std::string_view name;
  std::string_view law;  ///< The beginning of the law that it breaks.
};

/// Source: invariants.md section 3 (M1 to M16) and those below.
inline constexpr std::array<MutantRow, 22> mutants{{
    {Mutant::count_without_lock, "count_without_lock", "I1"},  // M1, M2
    {Mutant::stale_queue_head, "stale_queue_head", "I1"},      // M3
    {Mutant::settle_by_id_only, "settle_by_id_only", "I5"},    // M4
    {Mutant::no_attempt_guard, "no_attempt_guard", "truth"},   // M5
    {Mutant::no_seen_status, "no_seen_status", "truth"},
    {Mutant::refund_by_flag, "refund_by_flag", "I4"},                              // M6
    {Mutant::user_looked_up, "user_looked_up", "I2"},                              // M8
    {Mutant::slot_freed_by_user, "slot_freed_by_user", "I1"},                      // M9
    {Mutant::webhook_by_task_id, "webhook_by_task_id", "bell"},                    // M10
    {Mutant::refund_in_second_transaction, "refund_in_second_transaction", "I4"},  // M11
    {Mutant::skips_locked_head, "skips_locked_head", "I7"},                        // M12
    {Mutant::late_success_overwrites, "late_success_overwrites", "I5"},            // M13
    {Mutant::webhook_sets_outcome, "webhook_sets_outcome", "truth"},               // M14
    {Mutant::checks_without_rest, "checks_without_rest", "rest"},                  // M15
    {Mutant::refund_on_unknown, "refund_on_unknown", "truth"},                     // M16
    {Mutant::resubmits_in_doubt, "resubmits_in_doubt", "submit"},
    {Mutant::slot_freed_at_cancel, "slot_freed_at_cancel", "I9"},
    {Mutant::deadline_by_node_clock, "deadline_by_node_clock", "truth"},
    {Mutant::refund_without_ledger_key, "refund_without_ledger_key", "I4"},
    {Mutant::expired_slots_stay, "expired_slots_stay", "I8"},
    {Mutant::orphans_not_noted, "orphans_not_noted", "I9"},
    {Mutant::adopted_as_seen, "adopted_as_seen", "turn"},
}};

}  // namespace jobwatchdog::test
