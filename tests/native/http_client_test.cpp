// The HTTP client: what was certainly not sent, what may have been, and that nothing is sent twice that must
// not be.
#include "native/http/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/stopwatch.hpp"
#include "tests/support/scripted_server.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = HttpAnswer::Kind;

constexpr const char* canary = "CANARY-key-3f9a";

HttpCall call_to(const std::string& url) {
  HttpCall call;
  call.number = 7;
  call.url = url + "/path?key=" + canary;
  call.headers = {{"Authorization", std::string{"Bearer "} + canary}, {"Content-Type", "application/json"}};
  call.body = R"({"a":1})";
  return call;
}

HttpAnswer answer_of(HttpClient& client, HttpCall call) {
  client.start(std::move(call));
  std::vector<HttpAnswer> answers;
  while (answers.empty() && client.under_way() > 0) answers = client.wait(seconds(30));
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_EQ(client.under_way(), 0U);
  EXPECT_THAT(answers.at(0).error, Not(HasSubstr(canary)));
  return answers.at(0);
}

HttpAnswer answer_of(HttpCall call) {
  HttpClient client;
  return answer_of(client, std::move(call));
}

/// A port on which nobody listens.
std::string deaf_url() {
  const ScriptedServer gone{[](const std::string&) { return ScriptedReply{}; }};
  return gone.url();
}

TEST(http_client, a_call_arrives_as_it_was_made_and_its_answer_comes_whole) {
  ScriptedServer server{
      [](const std::string&) { return http_reply(503, "no\n", "Retry-After: 5\r\nX-A: 1\r\nx-a: 2\r\n"); }};
  const HttpAnswer answer = answer_of(call_to(server.url()));
  EXPECT_EQ(answer.number, 7U);
  EXPECT_EQ(answer.kind, Kind::replied);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "no\n");
  EXPECT_EQ(answer.headers.at("retry-after"), "5");
  EXPECT_EQ(answer.headers.at("x-a"), "2");
  EXPECT_EQ(answer.error, "");
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, testing::StartsWith(std::string{"POST /path?key="} + canary + " HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr(std::string{"Authorization: Bearer "} + canary + "\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"a\":1}"));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
}

TEST(http_client, other_methods_carry_their_body_and_get_has_none) {
  ScriptedServer server{[](const std::string&) { return http_reply(200, ""); }};
  HttpCall call = call_to(server.url());
  call.method = "DELETE";
  EXPECT_EQ(answer_of(call).status, 200);
  call.method = "GET";
  EXPECT_EQ(answer_of(call).status, 200);
  EXPECT_THAT(server.requests().at(0),
              testing::AllOf(testing::StartsWith("DELETE /path"), testing::EndsWith("{\"a\":1}")));
  EXPECT_THAT(server.requests().at(1),
              testing::AllOf(testing::StartsWith("GET /path"), testing::EndsWith("\r\n\r\n")));
}

TEST(http_client, a_file_is_sent_as_a_form) {
  ScriptedServer server{[](const std::string&) { return http_reply(200, ""); }};
  HttpCall call = call_to(server.url());
  call.headers.clear();
  call.fields = {{"fileType", "input"}};
  call.file = HttpFile{"file", "a \"b\".png", std::make_shared<const std::string>("\x89PNG\0\r\n--", 9)};
  EXPECT_EQ(answer_of(call).status, 200);
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, HasSubstr("Content-Type: multipart/form-data; boundary="));
  EXPECT_THAT(request, HasSubstr("name=\"fileType\"\r\n\r\ninput\r\n"));
  EXPECT_THAT(request, HasSubstr("name=\"file\"; filename=\"a %22b%22.png\""));
  EXPECT_THAT(request, HasSubstr(std::string{"\r\n\r\n\x89PNG\0\r\n--\r\n--", 17}));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
}

// Not sent: the server cannot have seen the call.

TEST(http_client, without_a_connection_a_call_was_not_sent) {
  EXPECT_EQ(answer_of(call_to(deaf_url())).kind, Kind::not_sent);
  EXPECT_EQ(answer_of(call_to("http://nowhere.invalid")).kind, Kind::not_sent);
}

TEST(http_client, what_cannot_be_a_request_was_not_sent) {
  ScriptedServer server{[](const std::string&) { return http_reply(200, ""); }};
  const auto kind_with = [&](const std::function<void(HttpCall&)>& change) {
    HttpCall call = call_to(server.url());
    change(call);
    return answer_of(call).kind;
  };
  EXPECT_EQ(kind_with([](HttpCall& call) { call.url = "file:///etc/passwd"; }), Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.url = "gopher://127.0.0.1/"; }), Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.url = ""; }), Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.url += " HTTP/1.1\r\nX-Smuggled: 1"; }), Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.headers[0].second += "\r\nX-Smuggled: 1"; }), Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.headers[0].second += std::string(1, '\0'); }),
            Kind::not_sent);
  EXPECT_EQ(kind_with([](HttpCall& call) { call.method = "GET /\r\nX: 1"; }), Kind::not_sent);
  EXPECT_TRUE(server.requests().empty());
}

TEST(http_client, a_tls_handshake_that_does_not_end_was_not_sent) {
  // This server waits for a request, which a client of TLS does not send before the server has greeted.
  ScriptedServer server{[](const std::string&) { return http_reply(200, ""); }};
  HttpCall call = call_to("https://127.0.0.1:" + std::to_string(server.port()));
  call.connect_timeout = milliseconds(300);
  EXPECT_EQ(answer_of(call).kind, Kind::not_sent);
  EXPECT_EQ(server.connection_count(), 1);
}

// Broken: it may have seen it.

TEST(http_client, a_server_that_reads_and_says_nothing_leaves_the_call_broken) {
  for (const ScriptedReply& reply :
       {ScriptedReply{"", true, false}, ScriptedReply{"", false, true},
        ScriptedReply{"HTTP/1.1 200 OK\r\nContent-Le", true, false},
        ScriptedReply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true, false},
        ScriptedReply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false, true},
        ScriptedReply{"\x16\x03\x01 no HTTP at all\r\n\r\n", true, false}}) {
    ScriptedServer server{[&](const std::string&) { return reply; }};
    HttpCall call = call_to(server.url());
    call.total_timeout = milliseconds(500);
    const HttpAnswer answer = answer_of(call);
    EXPECT_EQ(answer.kind, Kind::broken) << reply.bytes;
    EXPECT_EQ(answer.body, "");
    EXPECT_NE(answer.error, "");
    EXPECT_EQ(server.requests().size(), 1U);
  }
}

TEST(http_client, a_reply_beyond_its_size_is_broken_and_not_kept) {
  const std::string long_header = "X-Long: " + std::string(3000, 'x') + "\r\n";
  for (const ScriptedReply& reply :
       {http_reply(200, std::string(1001, 'x')), http_reply(200, "", long_header),
        ScriptedReply{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'),
                      false, true}}) {
    ScriptedServer server{[&](const std::string&) { return reply; }};
    HttpCall call = call_to(server.url());
    call.reply_size_max = 1000;
    const HttpAnswer answer = answer_of(call);
    EXPECT_EQ(answer.kind, Kind::broken);
    EXPECT_EQ(answer.error, "the reply is too long");
  }
  ScriptedServer server{[](const std::string&) { return http_reply(200, std::string(1000, 'x')); }};
  HttpCall call = call_to(server.url());
  call.reply_size_max = 1000;
  EXPECT_EQ(answer_of(call).body.size(), 1000U) << "the twin: exactly so much is none too long";
}

TEST(http_client, what_stands_before_and_behind_a_reply_is_not_taken_for_its_headers) {
  ScriptedServer server{[](const std::string&) {
    return ScriptedReply{
        "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: 2\r\n\r\n"};
  }};
  const HttpAnswer answer = answer_of(call_to(server.url()));
  EXPECT_EQ(answer.kind, Kind::replied);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.headers.count("x-early"), 0U);
  EXPECT_EQ(answer.headers.at("x-a"), "1");
}

TEST(http_client, a_redirect_is_an_answer_and_is_not_followed) {
  ScriptedServer server{[&](const std::string&) { return http_reply(302, "", "Location: /elsewhere\r\n"); }};
  EXPECT_EQ(answer_of(call_to(server.url())).status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

// Sent once.

/// Answers the first request and keeps the connection, then reads the second and closes without a word.
struct FickleServer {
  int seen{0};
  ScriptedServer server{[this](const std::string&) {
    return ++seen == 1 ? http_reply(200, "kept") : ScriptedReply{"", true, false};
  }};
};

TEST(http_client, a_call_that_must_not_be_repeated_is_sent_once_even_beside_a_kept_connection) {
  FickleServer fickle;
  HttpClient client;
  ASSERT_EQ(answer_of(client, call_to(fickle.server.url())).status, 200);
  HttpCall submit = call_to(fickle.server.url());
  submit.may_repeat = false;
  EXPECT_EQ(answer_of(client, submit).kind, Kind::broken);
  EXPECT_EQ(fickle.server.requests().size(), 2U);
  EXPECT_EQ(fickle.server.connection_count(), 2) << "on a connection of its own making";
}

TEST(http_client_twin, libcurl_sends_a_call_again_that_may_be_repeated) {
  FickleServer fickle;
  HttpClient client;
  ASSERT_EQ(answer_of(client, call_to(fickle.server.url())).status, 200);
  EXPECT_EQ(answer_of(client, call_to(fickle.server.url())).kind, Kind::broken);
  EXPECT_EQ(fickle.server.requests().size(), 3U) << "on the kept connection, and again on a fresh one";
}

TEST(http_client, a_kept_connection_that_the_server_closed_does_not_lose_a_call) {
  ScriptedServer server{[](const std::string&) { return http_reply(200, "x"); }};
  HttpClient client;
  for (const bool may_repeat : {true, true, false}) {
    HttpCall call = call_to(server.url());
    call.may_repeat = may_repeat;
    EXPECT_EQ(answer_of(client, call).status, 200);
    server.close_connections();
  }
  EXPECT_EQ(server.requests().size(), 3U);
}

// Many.

TEST(http_client, many_calls_run_at_once_and_connections_are_kept) {
  ScriptedServer server{[](const std::string& request) {
    return http_reply(200, request.substr(request.find("\r\n\r\n") + 4));
  }};
  HttpClient client;
  constexpr std::uint64_t call_count = 700;
  std::uint64_t next = 0;
  std::vector<int> seen(call_count, 0);
  const Stopwatch stopwatch;
  while (next < call_count || client.under_way() > 0) {
    while (next < call_count && client.under_way() < 20) {
      HttpCall call = call_to(server.url());
      call.number = next++;
      call.body = std::to_string(call.number);
      client.start(std::move(call));
    }
    for (const HttpAnswer& answer : client.wait(seconds(10))) {
      EXPECT_EQ(answer.body, std::to_string(answer.number));
      ++seen.at(answer.number);
    }
  }
  EXPECT_THAT(seen, testing::Each(1));
  EXPECT_LE(server.connection_count(), 20);
  RecordProperty("milliseconds_for_700_calls", static_cast<int>(stopwatch.elapsed().ms));
}

TEST(http_client, one_slow_call_keeps_no_other_waiting) {
  ScriptedServer server{[](const std::string& request) {
    return request.find("slow") == std::string::npos ? http_reply(200, "") : ScriptedReply{"", false, true};
  }};
  HttpClient client;
  HttpCall slow = call_to(server.url());
  slow.number = 1;
  slow.body = "slow";
  client.start(slow);
  client.start(call_to(server.url()));
  std::vector<HttpAnswer> answers;
  while (answers.empty()) answers = client.wait(seconds(10));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].number, 7U);
  EXPECT_EQ(client.under_way(), 1U);
  // Dropped with the client, whose end does not wait for it.
}

TEST(http_client, waiting_ends_with_its_patience_and_at_once_with_nothing_under_way) {
  HttpClient client;
  EXPECT_TRUE(client.wait(minutes(60)).empty());
  ScriptedServer server{[](const std::string&) { return ScriptedReply{"", false, true}; }};
  client.start(call_to(server.url()));
  EXPECT_TRUE(client.wait(milliseconds(1)).empty());
  EXPECT_EQ(client.under_way(), 1U);
}

}  // namespace
}  // namespace jobwatchdog::test
