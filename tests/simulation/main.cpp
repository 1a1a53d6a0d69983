// Simulates whole lives of jobs, world after world, each from a seed of its own; --help tells how.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "native/log.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace jobwatchdog;
using namespace jobwatchdog::test;

constexpr const char* usage =
    "simulation: whole lives of jobs in simulated worlds, their laws checked after every step\n"
    "  --seeds N        so many worlds (default 10000)\n"
    "  --from S         the first seed (default 1)\n"
    "  --minutes M      goes on with new seeds for so long instead\n"
    "  --seed S         one world\n"
    "  --trace          tells all that happens in it\n"
    "  --twice          runs it twice and compares the two traces\n"
    "  --mutant NAME    with that design mistake; ends with success when its law notices\n"
    "  --mutants        names them all\n";

struct Order {
  std::uint64_t from{1};
  std::uint64_t seeds{10'000};
  double minutes{0};
  bool traces{false};
  bool twice{false};
  MutantRow mutant{Mutant::none, "", ""};
};

struct Failure {
  std::uint64_t seed;
  LawBroken broken;
};

/// Nothing: all laws held.
std::optional<LawBroken> run_world(std::uint64_t seed, Mutant mutant, Tally& tally, std::string* trace) {
  World world{draw_world(seed), mutant, tally, trace};
  try {
    world.run();
  } catch (const LawBroken& broken) {
    return broken;
  }
  return std::nullopt;
}

[[noreturn]] void refuse() {
  std::fputs(usage, stderr);
  std::exit(2);
}

MutantRow mutant_of(const char* name) {
  for (const MutantRow& row : mutants) {
    if (row.name == name) return row;
  }
  std::fprintf(stderr, "there is no mutant %s\n", name);
  refuse();
}

void list_mutants() {
  for (const MutantRow& row : mutants) std::printf("%s\n", std::string{row.name}.c_str());
  std::exit(0);
}

Order read_order(int argc, char** argv) {
  Order order;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : (refuse(), ""); };
    const auto number = [&] { return std::strtoull(value(), nullptr, 10); };
    if (word == "--seeds")
      order.seeds = number();
    else if (word == "--from")
      order.from = number();
    else if (word == "--minutes")
      order.minutes = std::strtod(value(), nullptr);
    else if (word == "--seed")
      order.from = number(), order.seeds = 1;
    else if (word == "--trace")
      order.traces = true;
    else if (word == "--twice")
      order.twice = true;
    else if (word == "--mutant")
      order.mutant = mutant_of(value());
    else if (word == "--mutants")
      list_mutants();
    else
      refuse();
  }
  return order;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One world, twice: whether all that happened is the same, word for word.
bool is_repeatable(std::uint64_t seed, Mutant mutant) {
  std::string traces[2];
  for (std::string& trace : traces) {
    Tally tally;
    (void)run_world(seed, mutant, tally, &trace);
  }
  return traces[0] == traces[1] && !traces[0].empty();
}

std::optional<Failure> run_worlds(const Order& order, Tally& tally) {
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = order.from;; ++seed) {
    const bool is_enough =
        order.minutes > 0 ? seconds_since(start) >= order.minutes * 60 : seed >= order.from + order.seeds;
    if (is_enough) return std::nullopt;
    std::string trace;
    const auto broken = run_world(seed, order.mutant.mutant, tally, order.traces ? &trace : nullptr);
    if (order.traces) std::fputs(trace.c_str(), stdout);
    if (order.twice && !is_repeatable(seed, order.mutant.mutant))
      return Failure{seed, {"repeat: the same seed gives the same trace", "it gave another one"}};
    if (broken) return Failure{seed, *broken};
  }
}

void tell_failure(const Order& order, const Failure& failure) {
  const std::string mutant{order.mutant.name};
  std::printf("seed %llu breaks a law\n  %s\n  %s\nreplay: simulation --seed %llu --trace%s%s\n",
              static_cast<unsigned long long>(failure.seed), failure.broken.law.c_str(),
              failure.broken.detail.c_str(), static_cast<unsigned long long>(failure.seed),
              mutant.empty() ? "" : " --mutant ", mutant.c_str());
}

/// A long run in which some fault happened less often than in one of five hundred worlds proves little.
bool saw_every_fault(const Tally& tally) {
  bool all = true;
  for (const std::string& kind : kinds_of_faults()) {
    const auto happened = tally.happened.find(kind);
    if (happened != tally.happened.end() && happened->second >= tally.worlds / 500) continue;
    std::printf("hardly ever happened: %s\n", kind.c_str());
    all = false;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const Order order = read_order(argc, argv);
  // Thousands of worlds in which keys are refused: what nodes log of it would bury the outcome.
  configure_log({});
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
  std::printf("seeds from %llu\n", static_cast<unsigned long long>(order.from));
  const auto start = std::chrono::steady_clock::now();
  Tally tally;
  const auto failure = run_worlds(order, tally);
  if (failure) tell_failure(order, *failure);
  if (order.mutant.mutant != Mutant::none)
    return failure && failure->broken.law.starts_with(order.mutant.law) ? 0 : 1;
  const double took = seconds_since(start);
  std::printf("%s%.1f s, %.0f seeds a second\n", tally_text(tally).c_str(), took,
              static_cast<double>(tally.worlds) / took);
  if (failure) return 1;
  return tally.worlds < 2'000 || saw_every_fault(tally) ? 0 : 1;
}
