// The tally in words.
#include "tests/simulation/tally.hpp"

#include <algorithm>
#include <cstdio>

namespace jobwatchdog::test {
namespace {

std::string seconds_text(Duration duration) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(duration.ms) / 1'000);
  return text;
}

std::string quantiles_text(std::vector<Duration> times) {
  std::sort(times.begin(), times.end());
  return "p50 " + seconds_text(quantile(times, 500)) + ", p99 " + seconds_text(quantile(times, 990)) +
         ", max " + seconds_text(times.back()) + " (" + std::to_string(times.size()) + " times)";
}

}  // namespace

Duration quantile(const std::vector<Duration>& sorted, std::size_t permille) {
  return sorted[(sorted.size() - 1) * permille / 1'000];
}

const std::vector<std::string>& kinds_of_faults() {
  static const std::vector<std::string> kinds{"admin: cancels",
                                              "database: a conflict",
                                              "database: a connection is lost before COMMIT",
                                              "database: the answer to a COMMIT is lost",
                                              "network: a request arrives late",
                                              "network: a request is lost",
                                              "network: an answer of the provider is lost",
                                              "network: no connection to the provider",
                                              "network: our server is away when a webhook comes",
                                              "network: the answer to a webhook is lost",
                                              "node: crashes after a look",
                                              "node: crashes after a transaction",
                                              "node: crashes before a look",
                                              "node: crashes before a question",
                                              "node: crashes before a submit",
                                              "node: crashes before a transaction",
                                              "node: crashes with answers in its hands",
                                              "node: is asked to stop",
                                              "node: its clock is wrong",
                                              "node: stands still",
                                              "node: stalls before it settles",
                                              "node: stands still until a deadline",
                                              "node: its circuit to the provider is open",
                                              "provider: 429",
                                              "provider: a key is refused",
                                              "provider: cancel ignored",
                                              "provider: is down for minutes",
                                              "provider: query of a forgotten task",
                                              "provider: reply 5xx",
                                              "provider: reply garbage",
                                              "provider: reply never",
                                              "provider: reply slow",
                                              "provider: submit lost",
                                              "provider: submit refused for want of room",
                                              "provider: submit refused on purpose",
                                              "provider: task finishes late",
                                              "provider: webhook early",
                                              "provider: webhook forged",
                                              "provider: webhook late",
                                              "provider: webhook lost",
                                              "provider: webhook misshapen",
                                              "provider: webhook not delivered",
                                              "provider: webhook tried again",
                                              "provider: webhook twice",
                                              "start: insufficient_credits",
                                              "start: invalid",
                                              "start: not_pending",
                                              "start: user_is_active",
                                              "stranger: a flood of webhooks",
                                              "stranger: a webhook is replayed",
                                              "stranger: a webhook of another task",
                                              "stranger: a webhook with an unknown token",
                                              "sweep: settled by pg_cron",
                                              "sweep: settled by rule",
                                              "user: cancels",
                                              "user: clicks twice",
                                              "webhook: early",
                                              "webhook: forged",
                                              "webhook: late",
                                              "webhook: misshapen",
                                              "webhook: rung",
                                              "webhook: unknown"};
  return kinds;
}

std::string tally_text(const Tally& tally) {
  std::string text;
  for (const auto& [name, count] : tally.happened) text += std::to_string(count) + "\t" + name + "\n";
  text += "simulated " + std::to_string(tally.simulated_ms / 3'600'000) + " hours in " +
          std::to_string(tally.worlds) + " worlds\n";
  text +=
      "truth: from the end of a task whose webhook was lost to its job's end, and the same, but counted\n"
      "from when the provider talked to the account again where it refused to for minutes\n";
  for (const auto& [worlds, times] : tally.truth) {
    text += "truth, " + worlds + ": " + quantiles_text(times.from_end) + "\n";
    text += "truth, " + worlds + ", once it talks: " + quantiles_text(times.from_answer) + "\n";
  }
  return text;
}

}  // namespace jobwatchdog::test
