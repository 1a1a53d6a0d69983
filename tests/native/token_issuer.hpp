/// A login server for tests: signs tokens with a pair of keys of its own.
#pragma once

#include <gtest/gtest.h>
#include <jansson.h>

extern "C" {
#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/jws.h>
}

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace jobwatchdog::test {

/// A signer with a pair of keys: what a login server is.
class Issuer {
 public:
  Issuer(const std::string& algorithm, std::string name) : name_(std::move(name)) {
    key_ = json_pack("{s:s, s:s}", "alg", algorithm.c_str(), "kid", name_.c_str());
    EXPECT_TRUE(jose_jwk_gen(nullptr, key_));
  }
  ~Issuer() { json_decref(key_); }
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  [[nodiscard]] nlohmann::json public_key() const {
    json_t* key = json_deep_copy(key_);
    EXPECT_TRUE(jose_jwk_pub(nullptr, key));
    const nlohmann::json json = parsed(key);
    json_decref(key);
    return json;
  }

  [[nodiscard]] std::string sign(const nlohmann::json& claims) const {
    const std::string text = claims.dump();
    json_t* jws = json_pack("{s:o}", "payload", jose_b64_enc(text.data(), text.size()));
    json_t* signature =
        json_pack("{s:{s:s, s:O}}", "protected", "kid", name_.c_str(), "alg", json_object_get(key_, "alg"));
    EXPECT_TRUE(jose_jws_sig(nullptr, jws, signature, key_));
    const nlohmann::json json = parsed(jws);
    json_decref(signature);
    json_decref(jws);
    return json["protected"].get<std::string>() + "." + json["payload"].get<std::string>() + "." +
           json["signature"].get<std::string>();
  }

 private:
  static nlohmann::json parsed(const json_t* json) {
    char* text = json_dumps(json, 0);
    nlohmann::json result = nlohmann::json::parse(text, nullptr, false);
    free(text);
    return result;
  }

  std::string name_;
  json_t* key_;
};

}  // namespace jobwatchdog::test
