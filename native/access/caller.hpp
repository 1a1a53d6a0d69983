/// Who a request comes from: the kind of caller, and the role and claims that the database is to judge by.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/problem.hpp"
#include "native/access/access_settings.hpp"
#include "native/database.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

struct Caller {
  enum class Kind : std::uint8_t { nobody, anon, user, cron, service };

  Kind kind{Kind::nobody};
  std::string user_id;    ///< Of a user, a uuid; else "".
  nlohmann::json claims;  ///< Of the token; for a key the role alone.

  [[nodiscard]] bool is_user() const { return kind == Kind::user; }
  [[nodiscard]] bool is_service() const { return kind == Kind::service; }
};

/// Why nobody is believed: `code` as the gateway of Edge Functions words it. Source: protocols.md 2.3.
struct CallerFault {
  std::string code;
  std::string message;
  std::shared_ptr<Bell> news{};  ///< Set: the issuer's keys are being fetched; ask again when it rings.
};

/// Reads the headers Authorization, apikey and x-cron-secret. Without any it is nobody; one that is wrong is
/// a fault, whatever the others say. Source: protocols.md 2.4, invariants.md S1, S14.
[[nodiscard]] Result<Caller, CallerFault> identify(const AccessSettings& settings, const HttpRequest& request,
                                                   std::int64_t now_ms);

/// The database's view of the caller: its role, and request.jwt.claims for row level security.
[[nodiscard]] SessionSettings session_of(const Caller& caller);

/// Whether it is written like a uuid, in small or capital letters.
[[nodiscard]] bool is_uuid(const std::string& text);

}  // namespace jobwatchdog
