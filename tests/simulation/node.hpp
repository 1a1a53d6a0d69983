/// A node of a simulated world: the real reconciler, on a store and a provider that are simulated.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "native/life/reconciler.hpp"
#include "tests/simulation/fiber.hpp"
#include "tests/simulation/life_model.hpp"
#include "tests/simulation/provider_door.hpp"

namespace jobwatchdog::test {

class World;

/// Thrown through a node that dies.
struct NodeKilled {};

class Node final : private LifeStore, private Provider {
 public:
  Node(World& world, int number);
  ~Node() override;

  [[nodiscard]] bool has_ended() const { return fiber_.has_ended(); }
  /// Wakes an idle node no later than then.
  void wake_by(Instant when);
  /// Goes on after a rest, unless it went on meanwhile.
  void wake(std::uint64_t rest_number);

 private:
  // LifeStore
  DatabaseResult<std::vector<LeasedTask>> lease_ended_tasks(int count_max) override;
  DatabaseResult<std::vector<AccountToServe>> accounts_to_serve() override;
  DatabaseResult<TurnOutcome> save(const TurnRecords& records) override;
  std::optional<DatabaseError> tidy_up() override;
  // Provider
  void ask(ProviderQuestion question) override;
  std::vector<ProviderAnswer> wait(Duration patience) override;
  [[nodiscard]] std::size_t under_way() const override { return under_way_.size(); }

  void live();
  void deliver(ProviderAnswer answer);
  void rest(Duration time);
  void rest_until(Instant when);
  void stand_still_until(Instant when);
  void may_die(const char* where);
  template <typename Value, typename Work>
  DatabaseResult<Value> transact(const char* name, bool writes, Work work);
  void spoil(TurnRecords& records) const;
  static void check_adopted(const LifeModel& model, const TurnRecords& records);
  void may_stall();
  void may_stand_still_until_deadline();
  void send(const ProviderQuestion& question);
  [[nodiscard]] ReconcilerOptions options();

  World& world_;
  int number_;
  std::string name_;
  LeaseHolder holder_;
  Duration clock_error_;
  std::map<std::uint64_t, ProviderQuestion> under_way_;
  std::vector<ProviderAnswer> answers_;
  std::uint64_t rest_number_{0};
  Instant rests_until_{};
  bool is_idle_{false};
  bool is_settling_{false};  ///< What it is about to write ends jobs.
  bool is_killed_{false};
  bool is_stopping_{false};
  std::shared_ptr<bool> is_there_;  ///< False once this object is gone, for wakes that come later.
  ProviderDoor door_;
  Fiber fiber_;
};

}  // namespace jobwatchdog::test
