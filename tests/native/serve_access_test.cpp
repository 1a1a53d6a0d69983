// Who may ask what: every route against every kind of caller, by its exact status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/served.hpp"
#include "tests/native/token_issuer.hpp"

namespace jobwatchdog::test {
namespace {

/// A route, a request to it, and what each caller gets. JOB stands for a pending job of the owner, made anew
/// for each request.
struct Row {
  std::string method;
  std::string route;
  std::string path;
  std::string body;
  int anon;
  int other;
  int owner;
  int admin;
  int service;
  int cron;
};

constexpr const char* job = R"({"table": "veste_ai_jobs", "jobId": "JOB"})";
constexpr const char* finish = R"({"table": "veste_ai_jobs", "jobId": "JOB", "status": "cancelled"})";
constexpr const char* rpc = R"({"p_table_name": "veste_ai_jobs", "p_job_id": "JOB"})";
constexpr const char* flag = R"({"name": "WATCHDOG_ENABLED", "definition": "true", "reason": "a test"})";

const std::string functions = "/functions/v1/";
const std::string queue = "/functions/v1/runninghub-queue-manager/";

// What needs no credential: the same for everybody.
const std::vector<Row> open_table{
    {"GET", "/healthz", "/healthz", "", 200, 200, 200, 200, 200, 200},
    {"GET", "/readyz", "/readyz", "", 200, 200, 200, 200, 200, 200},
    {"GET", "/version", "/version", "", 200, 200, 200, 200, 200, 200},
    {"GET", "/metrics", "/metrics", "", 200, 200, 200, 200, 200, 200},
    {"POST", functions + "*", functions + "runninghub-webhook", R"({"event": "TASK_END", "taskId": "1"})",
     200, 200, 200, 200, 200, 200},
    {"POST", functions + "*/*", functions + "runninghub-webhook/0123",
     R"({"event": "TASK_END", "taskId": "1"})", 200, 200, 200, 200, 200, 200},
};

// anon, other, owner, admin, service, cron. Whoever bears nothing or something wrong is 401 everywhere.
const std::vector<Row> closed_table{
    {"POST", functions + "admin-cancel-job", functions + "admin-cancel-job", job, 403, 403, 403, 200, 200,
     403},
    {"POST", functions + "cleanup-stuck-exams", functions + "cleanup-stuck-exams", "", 403, 403, 403, 403,
     200, 200},
    {"POST", functions + "runninghub-job-sync", functions + "runninghub-job-sync", job, 403, 404, 200, 200,
     200, 403},
    {"GET", functions + "feature-flags", functions + "feature-flags", "", 200, 200, 200, 200, 200, 403},
    {"POST", functions + "feature-flags", functions + "feature-flags", flag, 403, 403, 403, 200, 200, 403},
    {"POST", queue + "check", queue + "check", "{}", 200, 200, 200, 200, 200, 403},
    {"POST", queue + "check-user-active", queue + "check-user-active", R"({"userId": "OWNER"})", 200, 403,
     200, 403, 200, 403},
    {"POST", queue + "run-or-queue", queue + "run-or-queue", job, 403, 404, 200, 404, 200, 403},
    {"POST", queue + "enqueue", queue + "enqueue", job, 403, 404, 200, 404, 200, 403},
    {"POST", queue + "process-next", queue + "process-next", "{}", 403, 403, 403, 403, 200, 403},
    {"POST", queue + "finish", queue + "finish", finish, 200, 404, 200, 200, 200, 403},
    {"POST", queue + "cancel-session", queue + "cancel-session", R"({"userId": "OWNER"})", 403, 403, 200, 403,
     200, 403},
    {"POST", queue + "reconcile", queue + "reconcile", job, 403, 404, 200, 200, 200, 403},
    {"GET", queue + "status", queue + "status", "", 403, 403, 403, 403, 200, 403},
    {"POST", queue + "status", queue + "status", "{}", 403, 403, 403, 403, 200, 403},
    {"POST", queue + "*", queue + "no-such-route", "{}", 400, 400, 400, 400, 400, 403},
    {"POST", "/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags", "{}", 200, 200, 200, 200, 200, 403},
    {"POST", "/ofrep/v1/evaluate/flags/*", "/ofrep/v1/evaluate/flags/WATCHDOG_ENABLED", "{}", 200, 200, 200,
     200, 200, 403},
    {"GET", "/rest/v1/*", "/rest/v1/veste_ai_jobs", "", 401, 200, 200, 200, 200, 403},
    {"POST", "/rest/v1/*", "/rest/v1/veste_ai_jobs", R"({"user_id": "OWNER"})", 401, 403, 201, 403, 201, 403},
    {"POST", "/rest/v1/rpc/*", "/rest/v1/rpc/user_cancel_ai_job", rpc, 401, 200, 200, 200, 200, 403},
    {"POST", functions + "*/run", functions + "runninghub-veste-ai/run", R"({"jobId": "JOB"})", 403, 404, 200,
     404, 200, 403},
    {"POST", functions + "*/upload", functions + "runninghub-veste-ai/upload", "\x89PNG\r\n\x1a\n", 403, 200,
     200, 200, 200, 403},
};

class access : public testing::Test {
 protected:
  static AccessSettings with_public_keys(const std::string& key_set) {
    AccessSettings settings;
    EXPECT_EQ(settings.token_keys.add_public_keys(key_set), std::nullopt);
    return settings;
  }

  int status(const Row& row, Headers headers) {
    const std::string job_id = served_.pending_job();
    std::string body = row.body;
    if (const auto place = body.find("JOB"); place != std::string::npos) body.replace(place, 3, job_id);
    if (const auto place = body.find("OWNER"); place != std::string::npos) body.replace(place, 5, owner_id);
    if (row.path.ends_with("/upload")) headers["content-type"] = "image/png";
    const int status = served_.call(row.method, row.path, body, headers).status;
    served_.database().exec("SELECT watchdog.settle_jobs('veste_ai_jobs', ARRAY['" + job_id +
                            "'::uuid], '{\"status\": \"cancelled\"}')");
    return status;
  }

  /// Where a caller gets another status than the table says.
  std::vector<std::string> complaints(const std::vector<Row>& table) {
    const std::vector<std::pair<int Row::*, Headers>> callers{
        {&Row::anon, as_anon()},          {&Row::other, as_user(other_id)}, {&Row::owner, as_user(owner_id)},
        {&Row::admin, as_user(admin_id)}, {&Row::service, as_service()},    {&Row::cron, as_cron()}};
    std::vector<std::string> found;
    for (const Row& row : table) {
      for (std::size_t i = 0; i < callers.size(); ++i) {
        const int got = status(row, callers[i].second);
        if (got != row.*callers[i].first)
          found.push_back(row.method + " " + row.route + ": caller " + std::to_string(i) + " gets " +
                          std::to_string(got));
      }
    }
    return found;
  }

  Issuer issuer_{"RS256", "k1"};
  Served served_{with_public_keys(nlohmann::json{{"keys", {issuer_.public_key()}}}.dump())};
};

TEST_F(access, has_a_row_for_every_route) {
  std::vector<std::string> routes;
  for (const Route& route : all_routes())
    routes.push_back(std::string{route.method} + " " + std::string{route.path});
  std::vector<std::string> rows;
  for (const auto* table : {&open_table, &closed_table}) {
    for (const Row& row : *table) rows.push_back(row.method + " " + row.route);
  }
  EXPECT_THAT(rows, testing::UnorderedElementsAreArray(routes));
}

TEST_F(access, rows_lead_to_the_route_they_speak_of) {
  for (const auto* table : {&open_table, &closed_table}) {
    for (const Row& row : *table) {
      std::vector<std::string> wildcards;
      const Route* route = find_route(row.method, row.path, &wildcards);
      ASSERT_NE(route, nullptr) << row.path;
      EXPECT_EQ(std::string{route->path}, row.route);
    }
  }
}

TEST_F(access, gives_each_caller_its_exact_status) {
  EXPECT_THAT(complaints(open_table), testing::IsEmpty());
  EXPECT_THAT(complaints(closed_table), testing::IsEmpty());
}

TEST_F(access, twin_a_row_that_lets_others_in_is_noticed) {
  std::vector<Row> table = closed_table;
  table[2].other = 200;
  table[7].anon = 200;
  EXPECT_THAT(complaints(table), testing::SizeIs(2));
}

TEST_F(access, turns_away_whoever_bears_nothing_or_something_wrong) {
  const nlohmann::json claims = claims_of("authenticated", owner_id);
  const std::string good = sign_token(claims, served_secret).value();
  const std::string unsigned_token =
      "eyJhbGciOiJub25lIn0." + good.substr(good.find('.') + 1, good.rfind('.') - good.find('.') - 1) + ".AA";
  const std::vector<std::pair<std::string, Headers>> callers{
      {"nobody", {}},
      {"not a bearer", {{"authorization", "Basic YTpi"}}},
      {"malformed", bearer("abc")},
      {"wrong key", bearer(sign_token(claims, Secret{"another secret, just as long as it is"}).value())},
      {"expired", bearer(sign_token(claims_of("authenticated", owner_id, -600), served_secret).value())},
      {"alg none", bearer(unsigned_token)},
      {"HS256 with a public key",
       bearer(sign_token(claims, Secret{issuer_.public_key()["n"].get<std::string>()}).value())},
      {"a role that is not served",
       bearer(sign_token(claims_of("postgres", owner_id), served_secret).value())},
      {"a user without an id", bearer(sign_token(claims_of("authenticated", "root"), served_secret).value())},
      {"a wrong apikey beside a good token",
       {{"authorization", "Bearer " + good}, {"apikey", "sb_publishable_x"}}},
      {"a secret key in a browser", {{"apikey", secret_key}, {"user-agent", "Mozilla/5.0"}}},
      {"a wrong cron secret", {{"x-cron-secret", "cron-9999"}}}};
  for (const Row& row : closed_table) {
    for (const auto& [name, headers] : callers)
      EXPECT_EQ(status(row, headers), 401) << row.route << ": " << name;
  }
  for (const Row& row : open_table) EXPECT_EQ(status(row, bearer("abc")), 200) << row.route;
}

TEST_F(access, believes_each_way_to_say_who_it_is) {
  const Row& row = closed_table.front();  // For administrators and the service.
  EXPECT_EQ(status(row, bearer(issuer_.sign(claims_of("authenticated", admin_id)))), 200);
  EXPECT_EQ(status(row, bearer(sign_token(claims_of("service_role", ""), served_secret).value())), 200);
  EXPECT_EQ(status(row, bearer(secret_key)), 200);
  Headers both = as_user(admin_id);
  both["apikey"] = publishable_key;
  EXPECT_EQ(status(row, both), 200);
  EXPECT_EQ(status(closed_table[1], {{"x-cron-secret", cron_secret}}), 200);
}

// What a user writes about itself makes nobody an administrator. Source: invariants.md S23.
TEST_F(access, takes_no_role_from_what_a_user_may_write) {
  nlohmann::json claims = claims_of("authenticated", other_id);
  claims["user_metadata"] = {{"role", "admin"}};
  claims["app_metadata"] = {{"role", "admin"}};
  EXPECT_EQ(status(closed_table.front(), bearer(sign_token(claims, served_secret).value())), 403);
}

TEST_F(access, a_404_tells_nothing_of_whether_the_job_exists) {
  const std::string job_id = served_.pending_job();
  const nlohmann::json foreign =
      served_.function("runninghub-job-sync", job_named(job_id), as_user(other_id));
  const nlohmann::json absent = served_.function(
      "runninghub-job-sync", job_named("d0000000-0000-4000-8000-00000000000d"), as_user(other_id));
  EXPECT_EQ(foreign, absent);
}

}  // namespace
}  // namespace jobwatchdog::test
