/// How a node of a simulated world asks the provider: with the circuit, the rests and the second reading of
/// native/provider/runninghub.cpp, without its HTTP.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/circuit_breaker.hpp"
#include "native/provider/provider.hpp"

namespace jobwatchdog::test {

class World;

/// What a question came to, and whether the provider was there to answer it.
struct Heard {
  ProviderAnswer answer;
  bool provider_lives{false};
};

class ProviderDoor {
 public:
  /// `deliver` hears each answer, perhaps before ask() returns.
  ProviderDoor(World& world, std::function<void(ProviderAnswer)> deliver);
  /// What comes later is for nobody.
  ~ProviderDoor();
  ProviderDoor(const ProviderDoor&) = delete;
  ProviderDoor& operator=(const ProviderDoor&) = delete;

  void ask(const ProviderQuestion& question);

 private:
  struct Account {
    CircuitBreaker circuit;
    Instant rests_until;
  };

  void send(const ProviderQuestion& question, bool is_second_reading);
  void take(const ProviderQuestion& question, Heard heard, bool is_second_reading);
  void note_health(Account& account, bool provider_lives);
  void answer_unasked(const ProviderQuestion& question, Duration rest);

  World& world_;
  std::function<void(ProviderAnswer)> deliver_;
  std::map<std::string, Account> accounts_;
  std::shared_ptr<bool> is_there_{std::make_shared<bool>(true)};
};

}  // namespace jobwatchdog::test
