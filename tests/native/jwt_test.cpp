// Tokens: what is believed, and what is refused for which reason.
#include "native/access/jwt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/token_issuer.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t now_ms = 1'800'000'000'000;
const Secret secret{"a secret of tests, thirty-two bytes or more"};

Json claims_of_user() {
  return {{"role", "authenticated"}, {"sub", "u1"}, {"aud", "authenticated"}, {"exp", now_ms / 1000 + 60}};
}

Json claims_with(const std::string& name, const Json& value) {
  Json claims = claims_of_user();
  claims[name] = value;
  return claims;
}

TokenKeys keys_of_secret() {
  TokenKeys keys;
  EXPECT_EQ(keys.add_secret(secret), std::nullopt);
  return keys;
}

/// The fault in words; "" for a token that is believed.
std::string fault_of(const TokenKeys& keys, const std::string& token, const TokenPolicy& policy = {}) {
  const Result<TokenClaims, TokenFault> checked = keys.check(token, policy, now_ms);
  return checked.ok() ? "" : token_fault_words(checked.error());
}

std::string fault_of_claims(const Json& claims, const TokenPolicy& policy = {}) {
  return fault_of(keys_of_secret(), sign_token(claims, secret).value(), policy);
}

std::string key_set(const std::vector<Json>& keys) { return Json{{"keys", keys}}.dump(); }

TEST(jwt, of_a_known_secret_is_believed_and_tells_whose_it_is) {
  const Result<TokenClaims, TokenFault> checked =
      keys_of_secret().check(sign_token(claims_of_user(), secret).value(), {}, now_ms);
  ASSERT_TRUE(checked.ok()) << token_fault_words(checked.error());
  EXPECT_EQ(checked.value().role, "authenticated");
  EXPECT_EQ(checked.value().subject, "u1");
  EXPECT_EQ(checked.value().all["aud"], "authenticated");
}

// RFC 7515, appendix A.1. The signature is right, so what is missing there is what is told.
TEST(jwt, agrees_with_the_standards_own_example) {
  TokenKeys keys;
  const std::string bytes{
      "\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6\xf0\x54\xc9\x28\xa9\x0f"
      "\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef\x96\x8a\xb4\xc3\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05"
      "\x2e\x4f\x08\xc0\xcd\x9a\xf5\x67\xd0\x80\xa3",
      64};
  ASSERT_EQ(keys.add_secret(Secret{bytes}), std::nullopt);
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto at = [&](std::int64_t ms) { return token_fault_words(keys.check(token, {}, ms).error()); };
  EXPECT_STREQ(at(1'300'819'379'000), "the token names no role");
  EXPECT_STREQ(at(1'300'819'410'000), "the token has expired");
}

TEST(jwt, is_refused_for_what_it_says) {
  EXPECT_EQ(fault_of_claims(claims_with("exp", now_ms / 1000 - 29)), "");
  EXPECT_EQ(fault_of_claims(claims_with("exp", now_ms / 1000 - 30)), "the token has expired");
  EXPECT_EQ(fault_of_claims(claims_with("exp", "never")), "the token is malformed");
  EXPECT_EQ(fault_of_claims(claims_with("exp", 1e300)), "the token is malformed");
  EXPECT_EQ(fault_of_claims(claims_with("nbf", now_ms / 1000 + 30)), "");
  EXPECT_EQ(fault_of_claims(claims_with("nbf", now_ms / 1000 + 31)), "the token is not valid yet");
  EXPECT_EQ(fault_of_claims(claims_with("role", nullptr)), "the token names no role");
  EXPECT_EQ(fault_of_claims(Json::array({1})), "the token is malformed");
  // What a user may write about itself can be deep.
  Json deep;
  for (int i = 0; i < 40; ++i) deep = Json::array({deep});
  EXPECT_EQ(fault_of_claims(claims_with("user_metadata", deep)), "the token is malformed");
}

TEST(jwt, is_held_against_the_issuer_and_the_audience_that_are_wanted) {
  const TokenPolicy policy{.issuer = "https://login.example/auth/v1", .audience = "authenticated"};
  Json claims = claims_with("iss", policy.issuer);
  EXPECT_EQ(fault_of_claims(claims, policy), "");
  EXPECT_EQ(fault_of_claims(claims_of_user(), policy), "the token is of another issuer");
  claims["aud"] = {"other", "authenticated"};
  EXPECT_EQ(fault_of_claims(claims, policy), "");
  claims["aud"] = {"other"};
  EXPECT_EQ(fault_of_claims(claims, policy), "the token is for another audience");
  claims.erase("aud");
  EXPECT_EQ(fault_of_claims(claims, policy), "");
}

TEST(jwt, of_another_signer_or_in_another_form_is_refused) {
  const TokenKeys keys = keys_of_secret();
  const std::string token = sign_token(claims_of_user(), secret).value();
  const Secret other{"another secret of tests, 32 bytes or more"};
  EXPECT_EQ(fault_of(keys, sign_token(claims_of_user(), other).value()), "the token's signature is wrong");
  const std::string payload = token.substr(token.find('.'));
  // {"alg":"none"}
  EXPECT_EQ(fault_of(keys, "eyJhbGciOiJub25lIn0" + payload), "the token's algorithm is not accepted");
  EXPECT_EQ(fault_of(keys, "eyJhbGciOiJub25lIn0" + payload.substr(0, payload.rfind('.') + 1)),
            "the token is malformed");
  // {"alg":"HS256","crit":["exp"]}
  EXPECT_EQ(fault_of(keys, "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19" + payload),
            "the token's algorithm is not accepted");
  for (const std::string& broken : {std::string{}, std::string{"a"}, std::string{"a.b"}, std::string{"a.b.c"},
                                    token + ".d", token + "=", " " + token, token + std::string(20'000, 'a')})
    EXPECT_EQ(fault_of(keys, broken), "the token is malformed") << broken.substr(0, 40);
}

TEST(jwt, is_checked_by_public_keys_of_either_kind_and_by_no_key_of_the_other) {
  for (const char* algorithm : {"RS256", "ES256"}) {
    const Issuer issuer{algorithm, "first"};
    const Issuer impostor{algorithm, "first"};
    const Issuer unknown{algorithm, "second"};
    TokenKeys keys;
    Json without_algorithm = issuer.public_key();
    without_algorithm.erase("alg");
    ASSERT_EQ(keys.add_public_keys(key_set({without_algorithm, {{"kty", "oct"}, {"k", "AAAA"}}})),
              std::nullopt);
    EXPECT_EQ(fault_of(keys, issuer.sign(claims_of_user())), "") << algorithm;
    EXPECT_EQ(fault_of(keys, impostor.sign(claims_of_user())), "the token's signature is wrong");
    EXPECT_EQ(fault_of(keys, unknown.sign(claims_of_user())), "the token is signed with an unknown key");
    // The public key is no secret: a token that is signed with it by HS256 is nobody's.
    const Secret public_text{issuer.public_key().dump()};
    EXPECT_EQ(fault_of(keys, sign_token(claims_of_user(), public_text).value()),
              "the token is signed with an unknown key");
  }
}

TEST(jwt, keys_that_are_too_weak_or_none_are_told) {
  TokenKeys keys;
  EXPECT_NE(keys.add_secret(Secret{"short"}), std::nullopt);
  for (const char* broken :
       {"", "[]", "{}", R"({"keys":1})", R"({"keys":[]})", R"({"keys":[1,{"kty":"oct"}]})",
        R"({"keys":[{"kty":"RSA","use":"enc"},{"kty":"EC","crv":"P-521"},{"kty":"RSA","alg":"HS256"}]})"})
    EXPECT_NE(keys.add_public_keys(broken), std::nullopt) << broken;
  EXPECT_TRUE(keys.empty());
  EXPECT_FALSE(sign_token(claims_of_user(), Secret{"short"}).ok());
}

TEST(jwt, the_command_makes_one_that_is_believed) {
  const std::map<std::string, std::string> environment{{"WATCHDOG_JWT_SECRET", secret.reveal()}};
  const ProcessResult made = run_jobwatchdog({"token", "--user", "u7"}, environment);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json told = Json::parse(
      run_jobwatchdog({"token", "--role", "service_role", "--json"}, environment).out, nullptr, false);
  const std::int64_t iat_ms = told["claims"]["iat"].get<std::int64_t>() * 1000;
  const std::string token = made.out.substr(0, made.out.size() - 1);
  const TokenPolicy policy{.issuer = "jobwatchdog", .audience = "authenticated"};
  const auto checked = keys_of_secret().check(token, policy, iat_ms);
  ASSERT_TRUE(checked.ok()) << token_fault_words(checked.error());
  EXPECT_EQ(checked.value().subject, "u7");
  EXPECT_EQ(keys_of_secret().check(told["token"], {}, iat_ms).value().role, "service_role");
  EXPECT_EQ(run_jobwatchdog({"token"}, {{"WATCHDOG_JWT_SECRET", ""}}).exit_code, 3);
  EXPECT_EQ(run_jobwatchdog({"token"}, {{"WATCHDOG_JWT_SECRET", "short"}}).exit_code, 3);
  EXPECT_EQ(run_jobwatchdog({"token", "--role", "postgres"}, environment).exit_code, 2);
}

}  // namespace
}  // namespace jobwatchdog::test
