/// Asking how an account stands at the provider: changes nothing there, and shows whether the key is taken.
#pragma once

#include <cstdint>
#include <string>

#include "native/http/http_client.hpp"
#include "native/provider/accounts.hpp"

namespace jobwatchdog {

struct AccountStatus {
  enum class Kind : std::uint8_t {
    good,         ///< The key is taken.
    refused,      ///< The provider answers, and refuses the key.
    unreachable,  ///< It cannot be reached, or takes longer than ten seconds.
    unclear,      ///< Something answers, but nothing that one could read.
  };

  Kind kind{Kind::unclear};
  std::string words;  ///< What it said, without the key.
};

/** Source: protocols.md section 1.6, accountStatus. */
[[nodiscard]] HttpCall account_status_call(const ProviderAccount& account);
[[nodiscard]] AccountStatus read_account_status(const HttpAnswer& answer, const Secret& key);

}  // namespace jobwatchdog
