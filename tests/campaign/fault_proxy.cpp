// The faulty proxy as a program, for script/campaign: breaks connections at places that a seed draws.
//
// Usage: fault_proxy SERVER_PORT PHASE MANNER SEED GAP_MAX COUNT_MAX
//   PHASE     before_request, within_answer, before_commit, behind_commit or answer_to_commit
//   MANNER    close, reset or half
//   GAP_MAX   the next fault strikes at the 1st to GAP_MAX-th place after the last one, COUNT_MAX times in
//   all
//
// Says its port in the first line, then a line for each fault. Ends with the process that started it.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <string>

#include "tests/support/faulty_proxy.hpp"

namespace {

using jobwatchdog::test::FaultManner;
using jobwatchdog::test::FaultPhase;
using jobwatchdog::test::FaultyProxy;

const std::map<std::string, FaultPhase> phases{{"before_request", FaultPhase::before_request},
                                               {"within_answer", FaultPhase::within_answer},
                                               {"before_commit", FaultPhase::before_commit},
                                               {"behind_commit", FaultPhase::behind_commit},
                                               {"answer_to_commit", FaultPhase::answer_to_commit}};
const std::map<std::string, FaultManner> manners{
    {"close", FaultManner::close}, {"reset", FaultManner::reset}, {"half", FaultManner::half}};

/// Draws the distance to each next fault.
class Draw {
 public:
  Draw(unsigned seed, int gap_max, int count_max)
      : generator_(seed), gap_(1, gap_max), left_(count_max), wait_(gap_(generator_)) {}

  bool strikes() {
    const std::lock_guard<std::mutex> guard{mutex_};
    if (left_ == 0 || --wait_ > 0) return false;
    --left_;
    wait_ = gap_(generator_);
    std::cout << "fault" << std::endl;
    return true;
  }

 private:
  std::mutex mutex_;
  std::mt19937 generator_;
  std::uniform_int_distribution<int> gap_;
  int left_;
  int wait_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  if (words.size() != 6 || phases.count(words[1]) == 0 || manners.count(words[2]) == 0) {
    std::cerr << "usage: fault_proxy SERVER_PORT PHASE MANNER SEED GAP_MAX COUNT_MAX\n";
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  Draw draw{static_cast<unsigned>(std::stoul(words[3])), std::stoi(words[4]), std::stoi(words[5])};
  const FaultyProxy proxy{std::stoi(words[0]),
                          {phases.at(words[1]), manners.at(words[2]), [&draw] { return draw.strikes(); }}};
  std::cout << proxy.port() << std::endl;
  for (;;) pause();
}
