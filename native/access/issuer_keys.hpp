/// The public keys of whoever issues tokens, fetched from its address and kept fresh. For any thread.
///
/// Whoever checks a token never waits for the network: a thread of its own fetches, when the set has grown
/// old or lacks a key that a token names, and never twice at once or twice within `rest_between_fetches`, so
/// that made-up names of keys do not make it hammer the issuer. A fetch that fails leaves the old set in
/// force. Source: stack.md "JWT", protocols.md 2.4, invariants.md S14.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "native/access/jwt.hpp"
#include "native/bell.hpp"

namespace jobwatchdog {

class HttpClient;

inline constexpr Duration keys_are_fresh_for = minutes(10);
inline constexpr Duration rest_between_fetches = seconds(30);
inline constexpr Duration key_fetch_timeout = seconds(5);
inline constexpr std::size_t key_set_size_max = 65'536;  ///< Bytes of a JWKS document.

class IssuerKeys {
 public:
  struct Checked {
    Result<TokenClaims, TokenFault> result;
    std::shared_ptr<Bell> news;  ///< Set: its key is unknown, and a set that may have it is on its way.
  };

  /// Begins to fetch at once. `now_ms` here and below: milliseconds since 1970.
  IssuerKeys(std::string url, std::int64_t now_ms);
  /// Drops a fetch at hand.
  ~IssuerKeys();
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  /// As TokenKeys::check, by the set that is in force.
  [[nodiscard]] Checked check(const std::string& token, const TokenPolicy& policy, std::int64_t now_ms);
  /// Whether a set ever arrived; while none has, no token is believed. Asking fetches again when it is time
  /// to.
  [[nodiscard]] bool have_arrived(std::int64_t now_ms);
  /// Rings when the fetch at hand ends; at once when none is.
  [[nodiscard]] std::shared_ptr<Bell> end_of_fetch();

 private:
  // With the lock held.
  void fetch_if_due(std::int64_t now_ms, bool lacks_key);
  [[nodiscard]] std::shared_ptr<Bell> bell();

  void run();
  [[nodiscard]] std::optional<TokenKeys> fetch(HttpClient& client, std::string& why_not);
  void take(std::optional<TokenKeys> keys, const std::string& why_not);

  const std::string url_;
  std::mutex mutex_;
  std::condition_variable stirred_;
  std::shared_ptr<const TokenKeys> keys_;      ///< Never changed, only replaced; null before the first.
  std::optional<std::int64_t> fresh_from_ms_;  ///< When the set in force was asked for.
  std::int64_t asked_at_ms_;
  bool is_fetching_{true};
  bool fails_{false};
  bool stops_{false};
  std::vector<std::weak_ptr<Bell>> waiting_;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace jobwatchdog
