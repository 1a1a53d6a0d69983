// What a provider said, as evidence: no secret in whatever field it hides, always short and valid JSON,
// whatever bytes came.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <ostream>
#include <random>

#include "native/provider/evidence.hpp"
#include "native/stopwatch.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* canary = "CANARY3f9a77b2";
const Secret key{canary};
const std::string job_token(64, 'e');

// A secret is not told by accident.
template <typename Value>
concept printable = requires(std::ostream& out, const Value& value) {
  out << value;
};
static_assert(printable<std::string> && !printable<Secret>);
static_assert(!std::convertible_to<Secret, std::string> && !std::convertible_to<std::string, Secret>);
static_assert(!std::equality_comparable<Secret>);

/// PostgreSQL keeps no NUL in a text.
bool holds_nul(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>().find('\0') != std::string::npos;
  return json.is_structured() && std::any_of(json.begin(), json.end(), holds_nul);
}

/// Evidence is a line of valid JSON, and holds no secret.
std::string evidence(const std::string& body, int http_status = 200) {
  std::string words = evidence_of(body, key, http_status);
  EXPECT_LE(words.size(), words_size_max);
  EXPECT_TRUE(nlohmann::json::accept(words)) << words;
  EXPECT_THAT(words,
              AllOf(Not(HasSubstr(canary)), Not(HasSubstr("TOKEN-of-others")), Not(HasSubstr(job_token))))
      << body;
  EXPECT_FALSE(holds_nul(nlohmann::json::parse(words))) << body;
  return words;
}

TEST(provider_evidence, a_harmless_reply_is_kept_as_it_is) {
  EXPECT_EQ(
      evidence(R"({"code":0,"data":[{"fileUrl":"https://a.b/c.png","n":[1,null,true]}],"msg":"success"})"),
      R"({"code":0,"data":[{"fileUrl":"https://a.b/c.png","n":[1,null,true]}],"msg":"success"})");
  EXPECT_EQ(evidence(R"({"code":500})", 503), R"({"body":{"code":500},"http_status":503})");
  EXPECT_EQ(evidence("<html>no</html>", 502), R"({"body":{"text":"<html>no</html>"},"http_status":502})");
  EXPECT_EQ(evidence(""), R"({"text":""})");
}

TEST(provider_evidence, no_secret_is_kept_in_whatever_field_it_hides) {
  const std::string k = canary;
  const std::vector<std::string> bodies{
      R"({"apiKey":")" + k + R"("})",
      R"({"msg":"key )" + k + R"( is wrong"})",
      R"({")" + k + R"(":1})",
      R"({"data":[[{"deep":["x)" + k + R"(y"]}]]})",
      R"({"msg":"\u0043ANARY3f9a77b2"})",  // The same, escaped.
      R"({"eventData":"{\"apiKey\":\")" + k + R"(\",\"x\":\")" + k + R"(\"}"})",
      std::string{
          R"({"userApiKey":"TOKEN-of-others","X-Api-Key":["TOKEN-of-others"],"access_token":{"a":"TOKEN-of-others"}})"},
      std::string{
          R"({"Authorization":"Bearer TOKEN-of-others","Set-Cookie":"TOKEN-of-others","password":"TOKEN-of-others"})"},
      std::string{R"({"msg":"sent Authorization: Bearer TOKEN-of-others to us"})"},
      std::string{R"({"msg":"sent Authorization: Basic TOKEN-of-others to us"})"},
      std::string{R"({"msg":"Bearer TOKEN-of-others"})"},
      std::string{R"({"msg":"apiKey=TOKEN-of-others&taskId=1"})"},
      std::string{R"({"msg":"{\"apiKey\": \"TOKEN-of-others\", half"})"},
      std::string{R"({"data":{"netWssUrl":"wss://a/ws?x=TOKEN-of-others"}})"},
      std::string{R"({"msg":"see https://a.b/c.png?Signature=TOKEN-of-others, and more"})"},
      R"({"webhookUrl":"https://a.b/functions/v1/runninghub-webhook/)" + job_token + R"("})",
      R"({"callbackResponse":"404 at /functions/v1/runninghub-webhook/)" + job_token + R"("})",
      "<html>Authorization: Bearer " + k + " and apiKey=TOKEN-of-others</html>",
      R"({"apiKey":"TOKEN-of-others","code":)",
      k,
      k + k,
      "\"" + k + "\"",
      "[\"" + k + "\"]",
  };
  for (const std::string& body : bodies) {
    evidence(body);
    evidence(body, 500);
  }
}

TEST(provider_evidence_twin, without_its_key_the_canary_would_be_seen) {
  const std::string body = std::string{R"({"msg":"key )"} + canary + R"( is wrong"})";
  EXPECT_THAT(evidence_of(body, Secret{}), HasSubstr(canary));
  EXPECT_THAT(evidence(body), HasSubstr("key [key] is wrong"));
}

TEST(provider_evidence, names_and_neighbours_of_secrets_stay) {
  EXPECT_EQ(evidence(R"({"apiKey":"TOKEN-of-others","code":802,"token":null})"),
            R"({"apiKey":"[key]","code":802,"token":null})");
  EXPECT_EQ(evidence(R"({"msg":"see https://a.b/c?x=TOKEN-of-others, and https://d.e/f"})"),
            R"({"msg":"see https://a.b/c?[query], and https://d.e/f"})");
  EXPECT_EQ(evidence(R"({"msg":"a token is missing: x; 3 tokens"})"),
            R"({"msg":"a token is missing: x; 3 tokens"})");
}

TEST(provider_evidence, what_is_long_is_thinned_and_stays_json) {
  nlohmann::json long_reply{{"code", 805}, {"msg", std::string(10'000, 'm')}};
  for (int i = 0; i < 1'000; ++i) long_reply["data"]["traceback"].push_back("line " + std::to_string(i));
  EXPECT_THAT(evidence(long_reply.dump()), HasSubstr("\"code\":805"));
  evidence(std::string(1'000'000, 'x'));
  evidence(std::string(1'000'000, '\"'));
  evidence(std::string(5'000, '\x01'));
  std::string accents;
  for (int i = 0; i < 3'000; ++i) accents += "\xc3\xa9";
  EXPECT_THAT(evidence(R"({"msg":")" + accents + R"("})"), Not(HasSubstr("\xef\xbf\xbd")))
      << "cut within a character";
}

TEST(provider_evidence, hostile_texts_are_read_in_one_pass) {
  // Each is a shape that a careless reader goes through again and again; all together are done in a moment.
  for (const std::string unit :
       {"token.", "token=", "token:\"", "Bearer ", "://?", "https://a?", "a", "\\\"", "{", "["}) {
    std::string body;
    while (body.size() < 100'000) body += unit;
    evidence(body);
    evidence(R"({"msg":")" + body);
  }
}

TEST(provider_evidence, only_plain_json_is_read) {
  EXPECT_TRUE(parse_strictly(R"({"a":{"b":1},"c":{"b":2}})"));
  EXPECT_FALSE(parse_strictly(R"({"a":1,"a":1})"));
  EXPECT_FALSE(parse_strictly(R"({"x":[{"a":1,"b":{},"a":2}]})"));
  EXPECT_FALSE(parse_strictly(R"({"\u0061":1,"a":1})"));
  EXPECT_TRUE(parse_strictly(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parse_strictly(std::string(40, '[') + std::string(40, ']')));
  EXPECT_FALSE(parse_strictly(std::string(500'000, '[') + std::string(500'000, ']')));
  EXPECT_FALSE(parse_strictly(std::string(1'000'000, '[')));
  for (const std::string bad :
       {"", "{", "nul", "{'a':1}", "{\"a\":1}}", "[1,]", "\"\xff\"", "\"\\ud800\"", "1e999"})
    EXPECT_FALSE(parse_strictly(bad)) << bad;
  EXPECT_FALSE(parse_strictly(std::string{"{\"a\":1}\0", 8}));
}

TEST(provider_evidence, random_bytes_are_evidence_too) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random{seed};
  const std::vector<std::string> pieces{"{",
                                        "}",
                                        "[",
                                        "]",
                                        ":",
                                        ",",
                                        "\"",
                                        "\\",
                                        "\"a\"",
                                        "\"apiKey\"",
                                        canary,
                                        "\xff",
                                        std::string(1, '\0'),
                                        "1",
                                        "null",
                                        "Bearer ",
                                        "https://",
                                        "?",
                                        "\\u0000",
                                        "\\\""};
  for (int i = 0; i < 1'500; ++i) {
    std::string body;
    for (auto count = random() % 40; count > 0; --count) body += pieces[random() % pieces.size()];
    evidence(body);
    if (HasFailure()) FAIL() << "seed " << seed << ", body " << body;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
