/// A simulated world: one database, one provider, nodes, people, and the time that passes between them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/laws.hpp"
#include "tests/simulation/life_model.hpp"
#include "tests/simulation/tally.hpp"
#include "tests/simulation/world_settings.hpp"

namespace jobwatchdog::test {

class Node;
class People;
class ProviderSide;

class World {
 public:
  /// Names what happens in `trace` when there is one.
  World(const WorldSettings& settings, Mutant mutant, Tally& tally, std::string* trace);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// From the first job to the end of the last. Throws LawBroken.
  void run();

  [[nodiscard]] Instant now() const { return agenda.now(); }
  /// Whether something goes wrong that does so in so many of a thousand cases; counted by its name.
  bool strikes(int permille, const char* name);
  void count(const std::string& name) { ++tally.happened[name]; }
  template <typename... Parts>
  void tell(const Parts&... parts) {
    if (trace_ != nullptr) write((std::string{} + ... + parts));
  }
  /// One transaction of the database at this instant; then the laws are looked at.
  template <typename Work>
  auto transact(Work work) {
    model.now = now();
    auto outcome = work(model);
    after_step();
    return outcome;
  }
  /// The provider did something.
  void after_step();
  /// When a node would next find something to do; nothing: never, as it looks now.
  [[nodiscard]] std::optional<Instant> next_due() const;
  void start_node();
  /// Nothing goes wrong any more, but what the provider does with its tasks.
  [[nodiscard]] bool is_calm() const { return now() >= calm_since(); }
  [[nodiscard]] Instant calm_since() const;

  WorldSettings settings;
  Tally& tally;
  Chance chance;
  Agenda agenda;
  LifeModel model;
  Laws laws;
  std::unique_ptr<ProviderSide> provider;

 private:
  void set_up_tables();
  void note_truth(const NodeEnding& ending);
  void bury_nodes();
  void wake_nodes();
  [[nodiscard]] bool is_over() const;
  void write(const std::string& line);

  std::string* trace_;
  std::map<int, std::unique_ptr<Node>> nodes_;
  std::unique_ptr<People> people_;
  int last_node_{0};
  std::uint64_t seen_version_{0};
  std::size_t tally_seen_{0};  ///< Endings that are in the tally.
};

}  // namespace jobwatchdog::test
