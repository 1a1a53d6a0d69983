/// RunningHub behind the interface of a provider: v2 to run and to ask, v1 where v2 has nothing.
///
/// A submit is sent once, on a connection of its own. A `failed` is said only when the same question, asked
/// again at once, was answered so again. While an account rests (Retry-After, open circuit) its questions are
/// answered without the provider.
#pragma once

#include <memory>
#include <vector>

#include "core/circuit_breaker.hpp"
#include "native/provider/accounts.hpp"
#include "native/provider/provider.hpp"

namespace jobwatchdog {

struct RunningHubOptions {
  Duration connect_timeout{seconds(5)};
  Duration query_timeout{seconds(10)};  ///< Also of cancel and webhook_detail.
  Duration submit_timeout{seconds(30)};
  Duration upload_timeout{seconds(120)};
  CircuitPolicy circuit{};
};

/** Source: design.md section 8; invariants.md R7 and section 4; protocols.md section 1. */
class RunningHub final : public Provider {
 public:
  explicit RunningHub(std::vector<ProviderAccount> accounts, const RunningHubOptions& options = {});
  ~RunningHub() override;

  void ask(ProviderQuestion question) override;
  [[nodiscard]] std::vector<ProviderAnswer> wait(Duration patience) override;
  [[nodiscard]] std::size_t under_way() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jobwatchdog
