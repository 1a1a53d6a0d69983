/// The laws of a simulated world, looked at after every step: those of sql/audit.sql, and those that only a
/// world can know in which the provider's truth lies open.
#pragma once

#include <map>
#include <string>

#include "tests/simulation/life_model.hpp"

namespace jobwatchdog::test {

struct LawBroken {
  std::string law;  ///< Begins with its number or its word.
  std::string detail;
};

/// A task as the provider really has it.
struct TrueTask {
  AttemptKey attempt;
  std::string account;
  Instant ends;
  bool succeeds{false};
};

using TrueTasks = std::map<std::string, TrueTask>;

/// Whether an orphan bears the name of its own task: a false webhook may have given it another, of which
/// nobody can say how it ended.
[[nodiscard]] bool is_named_truly(const AttemptKey& attempt, const OrphanRow& orphan, const TrueTasks& tasks);

class Laws {
 public:
  /// All that must hold in every committed state.
  void check(const LifeModel& model, const TrueTasks& tasks);
  /// Once nothing goes wrong any more, since `calm_since`. Source: invariants.md I8, I10.
  void check_liveness(const LifeModel& model, Instant calm_since, Duration sweep_period) const;
  /// A submit leaves for the provider.
  void check_submit(const LifeModel& model, const std::string& token);
  /// A webhook with a token was answered 2xx.
  static void check_bell(const LifeModel& model, const std::string& token);
  /// The world is over: all ended, all free.
  static void check_end(const LifeModel& model, const TrueTasks& tasks);

 private:
  void check_claims(const LifeModel& model);
  void check_endings(const LifeModel& model, const TrueTasks& tasks);
  void check_leases(const LifeModel& model);
  void check_transitions(const LifeModel& model);

  std::size_t claims_seen_{0};
  std::size_t endings_seen_{0};
  std::size_t leases_seen_{0};
  std::size_t transitions_seen_{0};
  std::map<AttemptKey, std::vector<Instant>> leases_of_;
  std::map<std::string, int> submits_of_;
};

}  // namespace jobwatchdog::test
