/// What a simulated world is made of: drawn from its seed.
#pragma once

#include <string>
#include <vector>

#include "core/policy.hpp"
#include "native/emulator/emulated_provider.hpp"
#include "tests/simulation/chance.hpp"

namespace jobwatchdog::test {

/// How often things go wrong between the parts, in permille of their occasions.
struct WorldFaults {
  int request_lost{0};        ///< To the provider: it never arrives.
  int request_late{0};        ///< It arrives when nobody waits for its answer any more.
  int answer_lost{0};         ///< Of the provider, after its effect.
  int not_connected{0};       ///< No connection to the provider.
  int turned_away{0};         ///< 429, with a time to come back.
  int silence{0};             ///< For minutes it answers 503 to one account, or refuses its key.
  int conflict{0};            ///< The database ends a transaction that may be tried again.
  int connection_lost{0};     ///< To the database, before COMMIT.
  int commit_in_doubt{0};     ///< The database committed; its answer is lost.
  int node_crash{0};          ///< At any step of a node.
  int node_pause{0};          ///< At any step of a node: it stands still for seconds to minutes.
  int node_sleep{0};          ///< With answers in its hands: it stands still until the deadline of a job.
  int node_stall{0};          ///< Before it settles, with what it read before.
  int node_stop{0};           ///< A node is asked to stop, and gives its leases back.
  int webhook_unheard{0};     ///< Our server is away when a webhook comes.
  int webhook_unanswered{0};  ///< It has stored the webhook; its answer is lost.
  int stranger{0};            ///< Forged, replayed and flooding webhooks, per webhook sent.
};

struct WorldSettings {
  std::uint64_t seed{0};
  EmulatorSettings emulator;
  WorldFaults faults;
  WatchPolicy watch;
  bool is_default_policy{true};
  bool is_emulator_worst{false};
  bool is_watched{true};       ///< false: WATCHDOG_ENABLED is off.
  bool sweeps_by_rule{false};  ///< `jobwatchdog sweep` beside or instead of pg_cron's cleanup.
  bool sweeps_by_cron{true};
  int node_count{1};
  int user_count{2};
  int account_count{1};
  int slot_count{1};  ///< Of each account.
  int job_count{3};
  int cancels_permille{0};
  Duration jobs_come_within{minutes(10)};
  Duration faults_end_after{minutes(20)};
  Duration node_clock_error_max{};  ///< Either way.

  /// Of which kinds this world is: its times to the truth are told among those of each.
  [[nodiscard]] std::vector<std::string> kinds() const;
};

[[nodiscard]] WorldSettings draw_world(std::uint64_t seed);

}  // namespace jobwatchdog::test
