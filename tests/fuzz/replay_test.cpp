// The corpora, replayed: inputs of known kinds, and those that once broke a law.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/fuzz/target.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

namespace fs = std::filesystem;

fs::path corpora() { return project_root() / "tests/fuzz/corpus"; }

struct Replay {
  std::size_t taken_count{0};
  std::size_t refused_count{0};
  std::vector<std::string> broken;  ///< "FILE: LAW"
};

Replay replayed(const std::string& corpus, fuzz::Target target) {
  Replay replay;
  for (const auto& file : fs::directory_iterator{corpora() / corpus}) {
    const fuzz::Verdict verdict = target(read_file(file.path()));
    ++(verdict.is_taken ? replay.taken_count : replay.refused_count);
    if (!verdict.broken_law.empty())
      replay.broken.push_back(file.path().filename().string() + ": " + verdict.broken_law);
  }
  return replay;
}

TEST(fuzz, laws_hold_for_every_input_of_every_corpus) {
  for (const auto& [name, target] : fuzz::targets())
    for (const std::string& complaint : replayed(name, target).broken)
      ADD_FAILURE() << name << "/" << complaint;
}

// A law that only ever sees what is refused proves nothing.
TEST(fuzz, each_corpus_holds_what_is_taken_and_what_is_refused) {
  for (const auto& [name, target] : fuzz::targets()) {
    const Replay replay = replayed(name, target);
    EXPECT_GT(replay.taken_count, 0U) << name;
    EXPECT_GT(replay.refused_count, 0U) << name;
  }
}

TEST(fuzz, each_corpus_belongs_to_a_target) {
  std::set<std::string> names;
  for (const auto& folder : fs::directory_iterator{corpora()})
    names.insert(folder.path().filename().string());
  for (const auto& [name, target] : fuzz::targets()) names.erase(name);
  EXPECT_TRUE(names.empty()) << *names.begin();
}

TEST(fuzz_twin, an_input_that_breaks_a_law_is_named) {
  const fuzz::Target has_a_fault = [](const std::string& input) {
    return fuzz::taken_under(input.find("service_role") == std::string::npos, "nobody is the service");
  };
  EXPECT_EQ(replayed("jwt", has_a_fault).broken,
            std::vector<std::string>{"claims_of_service.txt: nobody is the service"});
}

}  // namespace
}  // namespace jobwatchdog::test
