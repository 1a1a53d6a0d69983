// Reading the headers that say who asks.
#include "native/access/caller.hpp"

#include <cctype>

#include "native/http/request_header.hpp"
#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

using Kind = Caller::Kind;

constexpr std::string_view bearer = "Bearer ";

CallerFault invalid(const std::string& message) { return {"UNAUTHORIZED_INVALID_JWT_FORMAT", message}; }

Caller bearer_of_key(Kind kind) {
  const char* role = kind == Kind::anon ? "anon" : "service_role";
  return {kind, "", {{"role", role}}};
}

class Identification {
 public:
  Identification(const AccessSettings& settings, const HttpRequest& request, std::int64_t now_ms)
      : settings_(settings),
        now_ms_(now_ms),
        authorization_(header(request, "authorization")),
        api_key_(header(request, "apikey")),
        cron_secret_(header(request, "x-cron-secret")),
        is_browser_(header(request, "user-agent").starts_with("Mozilla/")) {}

  Result<Caller, CallerFault> caller() const {
    if (!cron_secret_.empty()) {
      if (settings_.cron_secrets.has(cron_secret_)) return bearer_of_key(Kind::cron);
      return invalid("The cron secret is wrong");
    }
    Caller by_key;
    if (!api_key_.empty()) {
      Result<Caller, CallerFault> known = by_words(api_key_);
      if (!known.ok()) return known;
      by_key = known.value();
    }
    if (authorization_.empty()) return by_key;
    if (!authorization_.starts_with(bearer)) return invalid("The header Authorization must be: Bearer TOKEN");
    return by_words(authorization_.substr(bearer.size()));
  }

 private:
  /// Of a key or a token.
  Result<Caller, CallerFault> by_words(const std::string& words) const {
    if (settings_.publishable_keys.has(words)) return bearer_of_key(Kind::anon);
    if (settings_.cron_secrets.has(words)) return bearer_of_key(Kind::cron);
    if (settings_.secret_keys.has(words)) {
      if (is_browser_) return CallerFault{"UNAUTHORIZED", "A secret key does not belong into a browser"};
      return bearer_of_key(Kind::service);
    }
    return by_token(words);
  }

  /// By our own keys, else by the issuer's.
  IssuerKeys::Checked check(const std::string& token) const {
    IssuerKeys::Checked checked{settings_.token_keys.check(token, settings_.token_policy, now_ms_), nullptr};
    const bool may_be_issuers =
        settings_.issuer_keys && !checked.result.ok() &&
        (checked.result.error() == TokenFault::unknown_key ||
         checked.result.error() == TokenFault::bad_signature);  // A key of ours without a name fits any.
    if (may_be_issuers) checked = settings_.issuer_keys->check(token, settings_.token_policy, now_ms_);
    return checked;
  }

  Result<Caller, CallerFault> by_token(const std::string& token) const {
    if (settings_.token_keys.empty() && !settings_.issuer_keys)
      return invalid("Invalid JWT: this server knows no key to check it with");
    const IssuerKeys::Checked checked = check(token);
    if (!checked.result.ok()) {
      const bool is_foreign = checked.result.error() == TokenFault::unsupported_algorithm;
      return CallerFault{
          is_foreign ? "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM" : "UNAUTHORIZED_INVALID_JWT_FORMAT",
          std::string{"Invalid JWT: "} + token_fault_words(checked.result.error()), checked.news};
    }
    const TokenClaims& claims = checked.result.value();
    if (claims.role == "service_role") return Caller{Kind::service, "", claims.all};
    if (claims.role == "anon") return Caller{Kind::anon, "", claims.all};
    if (claims.role != "authenticated") return invalid("Invalid JWT: its role is not one of this server's");
    if (!is_uuid(claims.subject)) return invalid("Invalid JWT: its subject is no user");
    return Caller{Kind::user, claims.subject, claims.all};
  }

  const AccessSettings& settings_;
  std::int64_t now_ms_;
  std::string authorization_;
  std::string api_key_;
  std::string cron_secret_;
  bool is_browser_;
};

}  // namespace

Result<Caller, CallerFault> identify(const AccessSettings& settings, const HttpRequest& request,
                                     std::int64_t now_ms) {
  return Identification{settings, request, now_ms}.caller();
}

SessionSettings session_of(const Caller& caller) {
  const bool is_trusted = caller.kind == Kind::service || caller.kind == Kind::cron;
  const std::string role = is_trusted ? "service_role" : caller.is_user() ? "authenticated" : "anon";
  const nlohmann::json claims = caller.claims.is_object() ? caller.claims : nlohmann::json{{"role", role}};
  return {role, {{"request.jwt.claims", json_line(claims)}}};
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace jobwatchdog
