// Races: every pair of actors on one job, and the proof by mutants that each guard in the SQL is needed and
// watched.
//
// Which pair is in which spec stands at the top of actors.spec. A spec holds its setup and its permutations;
// the steps of the actors stand once, in actors.spec, and the world in stage.sql. Expected outcomes are
// recorded by
//   RECORD_ISOLATION=1 script/test --filter 'isolation.*specs'
// and are read by a human before they are committed: a recorded wrong outcome is worse than no test.
//
// A sweep takes a page at once, or finds it and locks it by its keys when it made trouble. Every spec in
// which somebody sweeps is played in both ways, against the same outcome, unless its header says "# way:".
#include <gtest/gtest.h>

#include "tests/isolation/spec_runner.hpp"

namespace jobwatchdog::test {
namespace {

constexpr int seconds_waited_max = 60;
constexpr int seconds_waited_max_mutant = 5;  // A mutant may well wait for ever.

bool is_recording() { return std::getenv("RECORD_ISOLATION") != nullptr; }

/// The first line by which what a mutant makes of the spec differs from what was reviewed; "" when none does.
std::string noticed(const Database& database, const Mutant& mutant, const std::string& spec) {
  const std::string way = way_for(mutant, spec_text(spec));
  if (way.empty()) return "";
  std::istringstream output{play(database, spec_text(spec), way, seconds_waited_max_mutant)};
  std::istringstream expected{read_file(expected_path(spec))};
  std::string line;
  std::string expected_line;
  while (std::getline(expected, expected_line)) {
    if (!std::getline(output, line)) return "(ends before: " + expected_line + ")";
    if (line != expected_line) return line.empty() ? "(an empty line)" : line;
  }
  return std::getline(output, line) ? line : "";
}

/// All specs that reach a mutant: first the one that noticed it before, then those that name its subject.
std::vector<std::string> specs_for(const Mutant& mutant) {
  const std::string known_killer = known_killers()[mutant.id];
  std::vector<std::string> names = spec_names();
  std::erase_if(names, [&](const std::string& name) { return !reaches(spec_text(name), mutant); });
  const auto rank = [&](const std::string& name) {
    if (name == known_killer) return 0;
    return spec_text(name).find(mutant.subject) != std::string::npos ? 1 : 2;
  };
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  return names;
}

class specs : public testing::TestWithParam<std::string> {};

TEST_P(specs, have_the_reviewed_outcome) {
  const Database database = staged();
  const std::vector<std::string> ways = ways_of(spec_text(GetParam()));
  for (const std::string& way : ways) {
    const std::string output = play(database, spec_text(GetParam()), way, seconds_waited_max);
    if (is_recording() && way == ways.front()) std::ofstream{expected_path(GetParam())} << output;
    EXPECT_EQ(output, read_file(expected_path(GetParam()))) << "way: " << way;
  }
}

class mutants : public testing::TestWithParam<std::string> {};

/// The spec that notices the mutant; "" when none does. A spec that names it as its control must.
std::string killer_of(const Database& database, const Mutant& mutant) {
  std::string killer;
  for (const std::string& spec : specs_controlled_by(mutant.id)) {
    killer = spec;
    EXPECT_NE(noticed(database, mutant, spec), "") << spec << " names it as its control";
  }
  if (!killer.empty()) return killer;
  for (const std::string& spec : specs_for(mutant)) {
    const std::string line = noticed(database, mutant, spec);
    if (line.empty()) continue;
    std::cout << spec << " notices it: " << line << "\n";
    if (is_recording()) std::ofstream{killers_path(), std::ios::app} << mutant.id + ": " + spec + "\n";
    return spec;
  }
  return "";
}

TEST_P(mutants, are_killed_or_known_to_survive) {
  const Mutant& mutant = *find_mutant(GetParam());
  const std::string killer = killer_of(staged(&mutant), mutant);
  EXPECT_EQ(killer.empty(), known_survivors().contains(mutant.id))
      << (killer.empty() ? "no spec notices it: add a permutation, or a line with the reason to survivors.txt"
                         : "survivors.txt lists it, but " + killer + " notices it");
}

/// A known survivor is played when outcomes are recorded: all specs, to see once more that none notices it,
/// take two minutes a mutant.
std::vector<std::string> mutant_ids() {
  const std::map<std::string, std::string> survivors = known_survivors();
  std::vector<std::string> ids;
  for (const Mutant& mutant : all_mutants()) {
    if (is_recording() || !survivors.contains(mutant.id)) ids.push_back(mutant.id);
  }
  return ids;
}

std::string name_of_param(const testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(, specs, testing::ValuesIn(spec_names()), name_of_param);
INSTANTIATE_TEST_SUITE_P(, mutants, testing::ValuesIn(mutant_ids()), name_of_param);

}  // namespace
}  // namespace jobwatchdog::test
