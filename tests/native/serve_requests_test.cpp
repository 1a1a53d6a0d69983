// Requests as they should not be: each gets one clear JSON error, and nothing changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/serve/request_body.hpp"
#include "tests/native/served.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

HttpRequest request_with(const std::string& body, const std::string& type = "application/json") {
  HttpRequest request;
  request.method = "POST";
  request.body = body;
  if (!type.empty()) request.headers["content-type"] = type;
  return request;
}

std::string fault_of(const std::string& body, const std::string& type = "application/json") {
  const Result<Json, BodyFault> parsed = parse_body(request_with(body, type));
  return parsed.ok() ? "" : std::to_string(parsed.error().status) + " " + parsed.error().words;
}

TEST(request_body, is_an_object_or_a_list_in_json) {
  EXPECT_EQ(fault_of(R"({"a": 1})"), "");
  EXPECT_EQ(fault_of(R"([{"a": 1}, {"a": 2}])"), "");
  EXPECT_EQ(fault_of(R"({"a": 1})", "application/json; charset=utf-8"), "");
  EXPECT_EQ(fault_of("", ""), "");
  EXPECT_EQ(fault_of(nested(32)), "");
}

TEST(request_body, of_another_kind_is_refused_in_words) {
  EXPECT_THAT(fault_of("{}", "text/plain"), HasSubstr("415 The body must be JSON"));
  EXPECT_THAT(fault_of("{}", ""), HasSubstr("415"));
  EXPECT_THAT(fault_of("{"), HasSubstr("400 The body is not JSON"));
  // The parser takes a NUL for the end.
  EXPECT_THAT(fault_of(std::string{"{\"a\": 1}\0{\"a\": 2}", 17}), HasSubstr("400 The body holds a NUL"));
  EXPECT_THAT(fault_of("\"text\""), HasSubstr("400 The body must be a JSON object"));
  EXPECT_THAT(fault_of("{\"a\": \"\xff\"}"), HasSubstr("400 The body is not JSON in UTF-8"));
  EXPECT_THAT(fault_of(R"({"a": 1, "b": {"a": 2}, "a": 3})"), HasSubstr("400 The body has \"a\" twice"));
  EXPECT_THAT(fault_of(nested(33)), HasSubstr("400 The body has more than 32 levels"));
  EXPECT_THAT(fault_of(nested(100'000)), HasSubstr("more than 32 levels"));
}

TEST(request_body, tells_the_first_field_that_is_wrong) {
  const Json body{{"table", 5},
                  {"jobId", "no uuid"},
                  {"nul", std::string("a\0b", 3)},
                  {"n", "1"},
                  {"huge", std::numeric_limits<std::uint64_t>::max()}};
  const auto problem_of = [&](const std::function<void(BodyReader&)>& read) {
    BodyReader reader{body};
    read(reader);
    return reader.problem().value_or("");
  };
  EXPECT_EQ(problem_of([](auto& r) { (void)r.text("table"); }), "table must be a text");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.uuid("jobId"); }), "jobId must be a uuid");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.text("absent"); }), "absent is required");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.text("nul"); }), "nul must not hold a NUL");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.integer_or_none("n"); }), "n must be a whole number");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.integer_or_none("huge"); }),
            "huge must be a whole number of at most 64 bits");
  EXPECT_EQ(problem_of([](auto& r) { (void)r.text_or_none("jobId", 3); }), "jobId is longer than 3 bytes");
}

class requests : public testing::Test {
 protected:
  Served served_;
};

TEST_F(requests, that_are_wrong_get_one_json_error_from_every_route) {
  const std::string job_id = served_.pending_job();
  const std::vector<std::string> bodies{
      "{",
      "[]",
      "7",
      R"({"table": 1, "jobId": 2, "status": 3, "name": 4, "userId": 5, "context": 6, "sessionId": 7})",
      R"({"table": "pg_class", "jobId": "x", "status": "done", "name": "'; --", "userId": "x", "context": []})",
      R"({"jobs": "all", "context": {"targetingKey": 1}, "userId": "x"})",
      R"({"jobs": [1], "context": "x", "userId": {}})",
      "{\"table\": \"\xc3\x28\"}",
      R"({"a": 1, "a": 2})",
      nested(40)};
  for (const Route& route : all_routes()) {
    if (route.who == Who::anybody || route.method != "POST") continue;
    std::string path{route.path};
    if (path == "/rest/v1/*") path = "/rest/v1/veste_ai_jobs";
    if (path == "/rest/v1/rpc/*") path = "/rest/v1/rpc/user_cancel_ai_job";
    if (path.ends_with("*")) path.replace(path.size() - 1, 1, "WATCHDOG_ENABLED");
    if (const auto star = path.find('*'); star != std::string::npos)
      path.replace(star, 1, "runninghub-veste-ai");
    const bool reads_nothing = path.ends_with("/check") || path.ends_with("/status") ||
                               path.ends_with("process-next") || path.ends_with("cleanup-stuck-exams");
    for (const std::string& body : bodies) {
      const HttpReply reply = served_.call("POST", path, body, as_service());
      if (reads_nothing && (body == "[]" || body[0] == '{') && reply.status == 200) continue;
      if (path.find("/flags") != std::string::npos && body == "[]") continue;
      EXPECT_GE(reply.status, 400) << path << " " << body;
      EXPECT_LT(reply.status, 500) << path << " " << body;
      const Json answer = Json::parse(reply.body, nullptr, false);
      EXPECT_TRUE(answer.contains("error") || answer.contains("message") || answer.contains("errorCode"))
          << path << " " << reply.body;
    }
    EXPECT_EQ(served_.call("POST", path, "{}", {{"apikey", secret_key}, {"content-type", "text/xml"}}).status,
              415)
        << path;
  }
  EXPECT_EQ(served_.status_of(job_id), "pending");
}

TEST_F(requests, with_the_wrong_method_hear_which_one_is_right) {
  const HttpReply reply = served_.call("GET", "/functions/v1/admin-cancel-job", "", as_service());
  EXPECT_EQ(reply.status, 405);
  EXPECT_THAT(reply.headers.at("allow"), HasSubstr("POST"));
  EXPECT_EQ(served_.call("GET", "/nowhere", "", {}).status, 404);
  EXPECT_EQ(served_.call("POST", "/functions/v1/no-such-function", "{}", {}).status, 404);
  EXPECT_EQ(served_
                .call("POST", "/functions/v1/runninghub-nothing/run", R"({"jobId": ")" + owner_id + "\"}",
                      as_service())
                .status,
            404);
}

// A table is looked up, never written into SQL. Source: invariants.md S5.
TEST_F(requests, for_a_table_that_no_tool_has_are_refused) {
  const std::string job_id = served_.pending_job();
  for (const char* table : {"exams", "pg_catalog.pg_class", "veste_ai_jobs; DROP TABLE exams",
                            "Veste_ai_jobs", "ai_jobs", "public.", "veste_ai_jobs "}) {
    for (const char* name : {"runninghub-job-sync", "admin-cancel-job",
                             "runninghub-queue-manager/run-or-queue", "runninghub-queue-manager/reconcile"}) {
      const Json answer = served_.function(name, {{"table", table}, {"jobId", job_id}}, as_service());
      EXPECT_EQ(answer["httpStatus"], 400) << name << " " << table << " " << answer;
    }
  }
}

// Source: invariants.md S4.
TEST_F(requests, cannot_set_what_only_the_server_may) {
  const std::string job_id = served_.pending_job();
  Json body = job_named(job_id);
  body.update({{"status", "completed"},
               {"creditCost", 0},
               {"user_credit_cost", 0},
               {"credits_charged", true},
               {"user_id", other_id}});
  EXPECT_EQ(served_.function("runninghub-queue-manager/enqueue", body, as_user(owner_id))["httpStatus"], 200);
  EXPECT_EQ(served_.status_of(job_id), "queued");
  EXPECT_EQ(served_.balance_of(owner_id), "90");
}

TEST_F(requests, of_configured_pages_alone_get_the_headers_of_cors) {
  const auto origin_for = [&](const std::string& origin) {
    const HttpReply reply =
        served_.call("POST", "/functions/v1/admin-cancel-job", "{}", {{"origin", origin}});
    EXPECT_EQ(reply.status, 401);  // Errors bear them too.
    const auto found = reply.headers.find("access-control-allow-origin");
    return found == reply.headers.end() ? "" : found->second;
  };
  EXPECT_EQ(origin_for("https://app.example"), "https://app.example");
  for (const char* origin :
       {"null", "http://app.example", "https://app.example.evil.example", "https://app.example:444",
        "https://APP.example", "https://evilapp.example", "*"})
    EXPECT_EQ(origin_for(origin), "") << origin;
  const HttpReply preflight =
      served_.call("OPTIONS", "/functions/v1/admin-cancel-job", "", {{"origin", "https://app.example"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_THAT(preflight.headers.at("access-control-allow-headers"), HasSubstr("x-client-info"));
}

TEST_F(requests, bear_an_id_that_is_their_own_or_the_servers) {
  EXPECT_EQ(served_.call("GET", "/healthz", "", {{"x-request-id", "abc-1"}}).headers.at("x-request-id"),
            "abc-1");
  const std::string made =
      served_.call("GET", "/healthz", "", {{"x-request-id", "a b\n"}}).headers.at("x-request-id");
  EXPECT_EQ(made.size(), 16U);
}

}  // namespace
}  // namespace jobwatchdog::test
