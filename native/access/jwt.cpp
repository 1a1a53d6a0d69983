// JSON Web Tokens, by libjose.
#include "native/access/jwt.hpp"

#include <jansson.h>

extern "C" {  // libjose's headers do not say so.
#include <jose/b64.h>
#include <jose/jws.h>
}

#include <algorithm>
#include <array>
#include <memory>

#include "native/json_text.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t token_size_max = 16'384;
constexpr std::size_t secret_size_min = 32;  ///< HS256 wants as much; libjose refuses less.

struct JsonRelease {
  void operator()(json_t* json) const { json_decref(json); }
};
/// A value of jansson, which libjose speaks.
using JoseJson = std::unique_ptr<json_t, JsonRelease>;

JoseJson jose_json(const nlohmann::json& json) {
  return JoseJson{json_loads(json_line(json).c_str(), JSON_REJECT_DUPLICATES, nullptr)};
}

/// What base64url holds as JSON, or a discarded value.
nlohmann::json decoded(const std::string& part) {
  const JoseJson text{json_stringn(part.data(), part.size())};
  const std::size_t size = jose_b64_dec(text.get(), nullptr, 0);
  if (size == SIZE_MAX) return nlohmann::json(nlohmann::json::value_t::discarded);
  std::string bytes(size, '\0');
  if (jose_b64_dec(text.get(), bytes.data(), bytes.size()) != size)
    return nlohmann::json(nlohmann::json::value_t::discarded);
  return parse_strictly(bytes).value_or(nlohmann::json(nlohmann::json::value_t::discarded));
}

std::string encoded(const std::string& bytes) {
  const JoseJson text{jose_b64_enc(bytes.data(), bytes.size())};
  return json_string_value(text.get());
}

/// The three parts of a compact token; empty when there are not three of base64url.
std::vector<std::string> parts_of(const std::string& token) {
  static const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::vector<std::string> parts(1);
  for (const char letter : token) {
    if (letter == '.') {
      parts.emplace_back();
    } else if (letters.find(letter) != std::string::npos) {
      parts.back() += letter;
    } else {
      return {};
    }
  }
  const bool is_whole = parts.size() == 3 && std::none_of(parts.begin(), parts.end(),
                                                          [](const auto& part) { return part.empty(); });
  return is_whole && token.size() <= token_size_max ? parts : std::vector<std::string>{};
}

std::string text_claim(const nlohmann::json& claims, const char* name) {
  const auto claim = claims.find(name);
  return claim != claims.end() && claim->is_string() ? claim->get<std::string>() : "";
}

nlohmann::json secret_key(const Secret& secret) {
  return {{"kty", "oct"}, {"alg", "HS256"}, {"k", encoded(secret.reveal())}};
}

/// The one algorithm that a public key serves; "" when it serves none of ours.
std::string algorithm_of(const nlohmann::json& key) {
  if (!key.is_object() || (key.contains("use") && text_claim(key, "use") != "sig")) return "";
  const std::string type = text_claim(key, "kty");
  const bool is_curve = type == "EC" && text_claim(key, "crv") == "P-256";
  const std::string fitting = type == "RSA" ? "RS256" : is_curve ? "ES256" : "";
  return !key.contains("alg") || text_claim(key, "alg") == fitting ? fitting : "";
}

bool is_signed_by(const std::vector<std::string>& parts, const nlohmann::json& key) {
  const JoseJson jws = jose_json({{"protected", parts[0]}, {"payload", parts[1]}, {"signature", parts[2]}});
  const JoseJson jwk = jose_json(key);
  return jws && jwk && jose_jws_ver(nullptr, jws.get(), nullptr, jwk.get(), false);
}

/// A claim that is a number of seconds since 1970, as milliseconds.
std::optional<std::int64_t> time_claim(const nlohmann::json& claims, const char* name) {
  const auto claim = claims.find(name);
  if (claim == claims.end() || !claim->is_number()) return std::nullopt;
  const double value = claim->get<double>();
  if (!(value > -1e12 && value < 1e12)) return std::nullopt;
  return static_cast<std::int64_t>(value * 1000);
}

bool has_audience(const nlohmann::json& claims, const std::string& wanted) {
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return true;
  if (audience->is_string()) return *audience == wanted;
  return audience->is_array() && std::find(audience->begin(), audience->end(), wanted) != audience->end();
}

std::optional<TokenFault> fault_of(const nlohmann::json& claims, const TokenPolicy& policy,
                                   std::int64_t now_ms) {
  const std::int64_t tolerance_ms = policy.clock_tolerance.ms;
  const std::optional<std::int64_t> expires_at_ms = time_claim(claims, "exp");
  if (!expires_at_ms) return TokenFault::malformed;
  if (*expires_at_ms + tolerance_ms <= now_ms) return TokenFault::expired;
  if (claims.contains("nbf")) {
    const std::optional<std::int64_t> valid_from_ms = time_claim(claims, "nbf");
    if (!valid_from_ms) return TokenFault::malformed;
    if (*valid_from_ms - tolerance_ms > now_ms) return TokenFault::not_yet_valid;
  }
  if (!policy.issuer.empty() && text_claim(claims, "iss") != policy.issuer) return TokenFault::wrong_issuer;
  if (!policy.audience.empty() && !has_audience(claims, policy.audience)) return TokenFault::wrong_audience;
  if (text_claim(claims, "role").empty()) return TokenFault::no_role;
  return std::nullopt;
}

}  // namespace

const char* token_fault_words(TokenFault fault) {
  switch (fault) {
    case TokenFault::malformed: return "the token is malformed";
    case TokenFault::unsupported_algorithm: return "the token's algorithm is not accepted";
    case TokenFault::unknown_key: return "the token is signed with an unknown key";
    case TokenFault::bad_signature: return "the token's signature is wrong";
    case TokenFault::expired: return "the token has expired";
    case TokenFault::not_yet_valid: return "the token is not valid yet";
    case TokenFault::wrong_issuer: return "the token is of another issuer";
    case TokenFault::wrong_audience: return "the token is for another audience";
    case TokenFault::no_role: return "the token names no role";
  }
  return "the token is refused";
}

std::optional<Problem> TokenKeys::add_secret(const Secret& secret) {
  if (secret.reveal().size() < secret_size_min)
    return Problem{"JWT secret", "it is shorter than 32 bytes, which is too weak to sign tokens with",
                   "use a secret of at least 32 random bytes"};
  keys_.push_back(secret_key(secret));
  return std::nullopt;
}

std::optional<Problem> TokenKeys::add_public_keys(const std::string& jwks) {
  const nlohmann::json document = parse_strictly(jwks).value_or(nlohmann::json{});
  if (!document.is_object() || !document.contains("keys") || !document["keys"].is_array())
    return Problem{"JWKS", "it is not a JSON object with a list \"keys\"",
                   "give the document of /auth/v1/.well-known/jwks.json"};
  std::size_t count = 0;
  for (const nlohmann::json& found : document["keys"]) {
    const std::string algorithm = algorithm_of(found);
    if (algorithm.empty()) continue;
    nlohmann::json key = found;
    key["alg"] = algorithm;
    keys_.push_back(std::move(key));
    ++count;
  }
  if (count == 0)
    return Problem{"JWKS", "none of its keys can check a signature by RS256 or ES256",
                   "give the document of /auth/v1/.well-known/jwks.json"};
  return std::nullopt;
}

Result<TokenClaims, TokenFault> TokenKeys::check(const std::string& token, const TokenPolicy& policy,
                                                 std::int64_t now_ms) const {
  static constexpr std::array<const char*, 3> accepted{"HS256", "RS256", "ES256"};
  const std::vector<std::string> parts = parts_of(token);
  if (parts.empty()) return TokenFault::malformed;
  const nlohmann::json header = decoded(parts[0]);
  if (!header.is_object()) return TokenFault::malformed;
  const std::string algorithm = text_claim(header, "alg");
  if (std::find(accepted.begin(), accepted.end(), algorithm) == accepted.end() || header.contains("crit"))
    return TokenFault::unsupported_algorithm;
  const std::string name = text_claim(header, "kid");
  bool is_known = false;
  bool is_good = false;
  for (const nlohmann::json& key : keys_) {
    const std::string key_name = text_claim(key, "kid");
    if (key["alg"] != algorithm || (!name.empty() && !key_name.empty() && name != key_name)) continue;
    is_known = true;
    is_good = is_good || is_signed_by(parts, key);
  }
  if (!is_known) return TokenFault::unknown_key;
  if (!is_good) return TokenFault::bad_signature;
  nlohmann::json claims = decoded(parts[1]);
  if (!claims.is_object()) return TokenFault::malformed;
  if (const auto fault = fault_of(claims, policy, now_ms)) return *fault;
  return TokenClaims{text_claim(claims, "role"), text_claim(claims, "sub"), std::move(claims)};
}

Result<std::string> sign_token(const nlohmann::json& claims, const Secret& secret) {
  if (auto problem = TokenKeys{}.add_secret(secret)) return *problem;
  const JoseJson jws = jose_json({{"payload", encoded(json_line(claims))}});
  const JoseJson signature = jose_json({{"protected", {{"alg", "HS256"}, {"typ", "JWT"}}}});
  const JoseJson key = jose_json(secret_key(secret));
  if (!jose_jws_sig(nullptr, jws.get(), signature.get(), key.get()))
    return Problem{"token", "it could not be signed", "report this as a fault"};
  const auto part = [&](const char* name) {
    return std::string{json_string_value(json_object_get(jws.get(), name))};
  };
  return part("protected") + "." + part("payload") + "." + part("signature");
}

}  // namespace jobwatchdog
