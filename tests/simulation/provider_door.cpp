// Questions of a node: who may ask when, and what is asked again.
#include "tests/simulation/provider_door.hpp"

#include <algorithm>
#include <utility>

#include "native/provider/runninghub.hpp"
#include "tests/simulation/provider_side.hpp"
#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

const CircuitPolicy circuit_policy = RunningHubOptions{}.circuit;

}  // namespace

ProviderDoor::ProviderDoor(World& world, std::function<void(ProviderAnswer)> deliver)
    : world_(world), deliver_(std::move(deliver)) {}

ProviderDoor::~ProviderDoor() { *is_there_ = false; }

void ProviderDoor::ask(const ProviderQuestion& question) {
  Account& account = accounts_[question.account];
  const Duration rest = account.rests_until - world_.now();
  if (rest.ms > 0) {
    answer_unasked(question, rest);
  } else if (!let_through(account.circuit, world_.now())) {
    world_.count("node: its circuit to the provider is open");
    answer_unasked(question, rest_left(account.circuit, world_.now(), circuit_policy));
  } else {
    send(question, false);
  }
}

void ProviderDoor::answer_unasked(const ProviderQuestion& question, Duration rest) {
  ProviderAnswer answer{.number = question.number, .kind = question.kind};
  answer.submission.kind = Submission::Kind::not_sent;
  answer.submission.retry_after = answer.verdict.retry_after = rest;
  deliver_(std::move(answer));
}

void ProviderDoor::send(const ProviderQuestion& question, bool is_second_reading) {
  world_.provider->ask(question, [this, question, is_second_reading, there = is_there_](Heard heard) {
    if (*there) take(question, std::move(heard), is_second_reading);
  });
}

void ProviderDoor::note_health(Account& account, bool provider_lives) {
  if (provider_lives) return note_success(account.circuit);
  const int jitter = world_.chance.below(circuit_policy.rest.jitter_permille_max + 1);
  note_failure(account.circuit, world_.now(), jitter, circuit_policy);
}

/// A failure is read twice before it is believed.
void ProviderDoor::take(const ProviderQuestion& question, Heard heard, bool is_second_reading) {
  Account& account = accounts_[question.account];
  note_health(account, heard.provider_lives);
  Verdict& verdict = heard.answer.verdict;
  const Duration rest = std::max(verdict.retry_after, heard.answer.submission.retry_after);
  account.rests_until = std::max(account.rests_until, world_.now() + rest);
  const bool is_read_again = question.kind == ProviderQuestion::Kind::query && !is_second_reading &&
                             verdict.kind == Verdict::Kind::failed;
  if (is_read_again && account.rests_until <= world_.now()) return send(question, true);
  if (is_read_again) verdict.kind = Verdict::Kind::unknown;
  deliver_(std::move(heard.answer));
}

}  // namespace jobwatchdog::test
