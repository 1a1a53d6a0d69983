/// Who acts on a simulated world beside its nodes: users, administrators, cron.
#pragma once

#include <string>

#include "tests/simulation/life_tables.hpp"

namespace jobwatchdog::test {

class World;

class People {
 public:
  explicit People(World& world) : world_(world) {}

  /// Plans all that they will do.
  void plan();
  [[nodiscard]] bool are_done() const { return open_jobs_ == 0; }

 private:
  void plan_job(int number);
  void start(const JobKey& job, const std::string& user, int tries_left);
  void give_up(const JobKey& job);
  void cancel(const JobKey& job, bool as_admin);
  void plan_sweeps();
  void sweep_by_cron();
  void sweep_by_rule();
  template <typename Work>
  void transact(const std::string& what, Work work);

  World& world_;
  int open_jobs_{0};  ///< That are still to be started.
};

inline constexpr Duration sweep_period = minutes(5);

}  // namespace jobwatchdog::test
