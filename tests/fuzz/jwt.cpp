// Tokens. Two lines are header and claims, signed by the right key and by a wrong one; the whole input is a
// token too.
#include "native/access/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "native/json_text.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t now_ms = 1'800'000'000'000;
const Secret& our_secret() {
  static const Secret secret{"a secret of fuzzers, thirty-two bytes or more"};
  return secret;
}

const TokenKeys& our_keys() {
  static const TokenKeys keys = [] {
    TokenKeys made;
    (void)made.add_secret(our_secret());
    return made;
  }();
  return keys;
}

std::string base64url(const std::string& bytes) {
  std::string text(bytes.size() / 3 * 4 + 5, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text.substr(0, text.find('='));
}

/// A signature without libjose, so that the two are held against each other.
std::string signed_by(const Secret& secret, const std::string& signed_part) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.reveal().data(), static_cast<int>(secret.reveal().size()),
       reinterpret_cast<const unsigned char*>(signed_part.data()), signed_part.size(), mac.data(), &size);
  return signed_part + "." + base64url({reinterpret_cast<const char*>(mac.data()), size});
}

/// Whether header and claims may be believed under a good signature.
bool is_believable(const std::string& header_text, const std::string& claims_text) {
  const Json header = Json::parse(header_text, nullptr, false);
  const Json claims = Json::parse(claims_text, nullptr, false);
  if (!header.is_object() || !claims.is_object()) return false;
  if (!header.contains("alg") || header["alg"] != "HS256" || header.contains("crit")) return false;
  return claims.contains("exp") && claims["exp"].is_number() && claims["exp"].get<double>() > 1.79e9 &&
         claims.contains("role") && claims["role"].is_string();
}

}  // namespace

Verdict jwt(const std::string& input) {
  if (our_keys().check(input, {}, now_ms).ok()) {
    const std::size_t end = std::min(input.rfind('.'), input.size());
    return taken_under(signed_by(our_secret(), input.substr(0, end)) == input,
                       "a token that our key did not sign is never believed");
  }
  const std::vector<std::string> lines = lines_of(input, 2);
  const std::string signed_part = base64url(lines[0]) + "." + base64url(lines[1]);
  const Secret foreign{"another secret of fuzzers, 32 bytes or more"};
  if (our_keys().check(signed_by(foreign, signed_part), {}, now_ms).ok())
    return broken("a token that another key signed is never believed");
  const auto checked = our_keys().check(signed_by(our_secret(), signed_part), {}, now_ms);
  if (!checked.ok()) return refused();
  if (!is_believable(lines[0], lines[1])) return broken("our signature alone is not enough");
  const auto again = sign_token(checked.value().all, our_secret());
  return taken_under(again.ok() && our_keys().check(again.value(), {}, now_ms).ok(),
                     "what is believed is believed again when we sign it");
}

}  // namespace jobwatchdog::fuzz
