// /rest/v1: what pages read and write through supabase-js, judged by row level security, in PostgREST's
// words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/served.hpp"

namespace jobwatchdog::test {
namespace {

using Json = nlohmann::json;

class rest : public testing::Test {
 protected:
  HttpReply get(const std::string& path, Headers headers = as_user(owner_id)) {
    return served_.call("GET", "/rest/v1/" + path, "", std::move(headers));
  }
  Json list(const std::string& path, const Headers& headers = as_user(owner_id)) {
    return Json::parse(get(path, headers).body, nullptr, false);
  }
  HttpReply post(const std::string& path, const Json& body, Headers headers = as_user(owner_id)) {
    return served_.call("POST", "/rest/v1/" + path, body.dump(), std::move(headers));
  }
  static Headers with(Headers headers, const std::string& name, const std::string& value) {
    headers[name] = value;
    return headers;
  }

  Served served_;
};

TEST_F(rest, gives_a_user_its_own_rows_alone_and_an_administrator_all) {
  const std::string own = served_.pending_job();
  (void)served_.pending_job(other_id);
  const Json rows = list("veste_ai_jobs");
  ASSERT_EQ(rows.size(), 1U) << rows;
  EXPECT_EQ(rows[0]["id"], own);
  EXPECT_EQ(rows[0]["payload"]["inputs"]["person"], "api/a.png");
  EXPECT_EQ(list("veste_ai_jobs", as_user(admin_id)).size(), 2U);
  EXPECT_EQ(list("ai_jobs", as_user(admin_id)).size(), 2U);
  EXPECT_EQ(list("upscaler_jobs", as_user(admin_id)).size(), 0U);
  EXPECT_EQ(list("upscaler_credits").dump(), list("upscaler_credits?user_id=eq." + owner_id).dump());
}

TEST_F(rest, chooses_columns_rows_order_and_page) {
  const std::string first = served_.pending_job();
  const std::string second = served_.queued_job();
  EXPECT_EQ(list("veste_ai_jobs?select=status&order=created_at.asc").dump(),
            R"([{"status":"pending"},{"status":"queued"}])");
  EXPECT_EQ(list("veste_ai_jobs?select=id,status&order=created_at.desc&limit=1")[0]["id"], second);
  EXPECT_EQ(list("veste_ai_jobs?select=id&order=created_at.asc&limit=1&offset=1")[0]["id"], second);
  const auto count = [&](const std::string& filter) { return list("veste_ai_jobs?" + filter).size(); };
  EXPECT_EQ(count("id=eq." + first), 1U);
  EXPECT_EQ(count("id=neq." + first), 1U);
  EXPECT_EQ(count("status=in.(pending,queued)"), 2U);
  EXPECT_EQ(count("status=in.(%22pending%22,%22a%5C%22b%2C%22)"), 1U);
  EXPECT_EQ(count("status=in.()"), 0U);
  EXPECT_EQ(count("task_id=is.null&status=eq.queued"), 1U);
  EXPECT_EQ(count("credits_charged=is.true"), 1U);
  EXPECT_EQ(count("created_at=gte.2020-01-01T00:00:00Z&created_at=lt.2021-01-01"), 0U);
  EXPECT_EQ(count("user_credit_cost=gt.9&user_credit_cost=lte.10"), 2U);
}

TEST_F(rest, tells_the_count_and_the_range_that_was_asked_for) {
  (void)served_.pending_job();
  (void)served_.pending_job();
  const Headers counting = with(as_user(owner_id), "prefer", "count=exact");
  EXPECT_EQ(get("veste_ai_jobs?limit=1", counting).headers.at("content-range"), "0-0/2");
  EXPECT_EQ(get("veste_ai_jobs?status=eq.failed", counting).headers.at("content-range"), "*/0");
  EXPECT_EQ(get("veste_ai_jobs?limit=1").headers.at("content-range"), "0-0/*");
}

TEST_F(rest, single_is_one_object_or_406) {
  const std::string id = served_.pending_job();
  const Headers single = with(as_user(owner_id), "accept", "application/vnd.pgrst.object+json");
  const HttpReply one = get("veste_ai_jobs?select=id&id=eq." + id, single);
  EXPECT_EQ(one.body, R"({"id" : ")" + id + "\"}");
  (void)served_.pending_job();
  for (const char* filter : {"", "&status=eq.failed"}) {
    const HttpReply many = get(std::string{"veste_ai_jobs?select=id"} + filter, single);
    EXPECT_EQ(many.status, 406);
    EXPECT_EQ(Json::parse(many.body)["code"], "PGRST116");
  }
}

TEST_F(rest, inserts_a_job_and_gives_it_back) {
  const Json job{{"user_id", owner_id},
                 {"session_id", "s1"},
                 {"payload", {{"app", "default"}}},
                 {"user_credit_cost", 10}};
  Headers headers = with(as_user(owner_id), "prefer", "return=representation");
  headers["accept"] = "application/vnd.pgrst.object+json";
  const HttpReply made = post("veste_ai_jobs?select=id,status,tool", job, headers);
  EXPECT_EQ(made.status, 201) << made.body;
  const Json row = Json::parse(made.body);
  EXPECT_EQ(row["status"], "pending");
  EXPECT_EQ(row["tool"], "veste_ai");
  EXPECT_EQ(served_.status_of(row["id"]), "pending");
  EXPECT_EQ(post("veste_ai_jobs", Json::array({job, job})).body, "");
  EXPECT_EQ(served_.database().value("SELECT count(*) FROM public.veste_ai_jobs"), "3");
}

// Source: invariants.md S4 and S8.
TEST_F(rest, lets_no_page_write_what_only_the_server_knows) {
  for (const Json& wrong :
       {Json{{"user_id", other_id}}, Json{{"user_id", owner_id}, {"status", "completed"}},
        Json{{"user_id", owner_id}, {"credits_charged", true}}, Json{{"user_id", owner_id}, {"task_id", "1"}},
        Json{{"user_id", owner_id}, {"output_url", "https://evil.example"}}}) {
    const HttpReply reply = post("veste_ai_jobs", wrong);
    EXPECT_EQ(reply.status, 403) << reply.body;
    EXPECT_EQ(Json::parse(reply.body)["code"], "42501");
  }
  EXPECT_EQ(post("upscaler_credits", {{"user_id", owner_id}, {"balance", 1'000'000}}).status, 403);
  EXPECT_EQ(post("user_roles", {{"user_id", owner_id}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(served_.database().value("SELECT count(*) FROM public.ai_jobs"), "0");
}

TEST_F(rest, calls_public_functions_as_the_caller) {
  const std::string id = served_.queued_job();
  const Json of_job{{"p_table_name", "veste_ai_jobs"}, {"p_job_id", id}};
  EXPECT_EQ(Json::parse(post("rpc/user_cancel_ai_job", of_job, as_user(other_id)).body)[0]["success"], false);
  EXPECT_EQ(Json::parse(post("rpc/admin_cancel_job", of_job).body)[0]["success"], false);
  EXPECT_EQ(Json::parse(post("rpc/user_cancel_ai_job", of_job).body).dump(),
            R"([{"error_message":null,"refunded_amount":10,"success":true}])");
  const std::string pending = served_.pending_job();
  const Json fail{{"p_table_name", "veste_ai_jobs"}, {"p_job_id", pending}, {"p_error_message", "gone"}};
  EXPECT_EQ(post("rpc/mark_pending_job_as_failed", fail).body, "true");
  EXPECT_EQ(post("rpc/mark_pending_job_as_failed", fail).body, "false");
  EXPECT_EQ(post("rpc/has_role", {{"_user_id", admin_id}, {"_role", "admin"}}).body, "true");
  const HttpReply denied = post("rpc/refund_upscaler_credits", {{"_user_id", owner_id}, {"_amount", 1'000}});
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(served_.balance_of(owner_id), "100");
}

TEST_F(rest, words_its_errors_as_postgrest_does) {
  const auto error_of = [](const HttpReply& reply) {
    const Json body = Json::parse(reply.body, nullptr, false);
    EXPECT_TRUE(body.contains("message") && body.contains("hint") && body.contains("details")) << reply.body;
    return std::to_string(reply.status) + " " + body.value("code", "");
  };
  EXPECT_EQ(error_of(get("pg_class")), "404 PGRST205");
  EXPECT_EQ(error_of(get("veste_ai_jobs?select=secret")), "400 42703");
  EXPECT_EQ(error_of(get("veste_ai_jobs?secret=eq.1")), "400 42703");
  EXPECT_EQ(error_of(get("veste_ai_jobs?id=eq.1")), "400 22P02");
  EXPECT_EQ(error_of(get("veste_ai_jobs?id=like.1")), "400 PGRST100");
  EXPECT_EQ(error_of(get("veste_ai_jobs?or=(a.eq.1)")), "400 42703");
  EXPECT_EQ(error_of(get("veste_ai_jobs?select=id,users(name)")), "400 PGRST100");
  EXPECT_EQ(error_of(get("veste_ai_jobs?order=id.desc%3B")), "400 PGRST100");
  EXPECT_EQ(error_of(get("veste_ai_jobs?limit=-1")), "400 PGRST100");
  EXPECT_EQ(error_of(get("veste_ai_jobs?a=%zz")), "400 PGRST100");
  EXPECT_EQ(error_of(get("veste_ai_jobs", with(as_user(owner_id), "accept-profile", "watchdog"))),
            "406 PGRST106");
  EXPECT_EQ(error_of(get("veste_ai_jobs", as_anon())), "401 42501");
  EXPECT_EQ(error_of(post("rpc/pg_sleep", {{"seconds", 5}})), "404 PGRST202");
  EXPECT_EQ(error_of(post("rpc/has_role", {{"_user_id", owner_id}})), "404 PGRST202");
  EXPECT_EQ(error_of(post("veste_ai_jobs", {{"user_id", owner_id}, {"nothing", 1}})), "400 PGRST204");
  EXPECT_EQ(error_of(post("veste_ai_jobs", Json::array({{{"user_id", owner_id}}, {{"status", "pending"}}}))),
            "400 PGRST102");
}

// No word of a request stands in SQL. Source: invariants.md S5.
TEST_F(rest, takes_hostile_text_for_text) {
  const std::string id = served_.pending_job();
  for (const char* text : {"'; DROP TABLE public.exams; --", "%27)--", "a,b)", "$1", "\\", "NULL"}) {
    std::string escaped;
    for (const char c : std::string{text})
      escaped += "%" + std::string{"0123456789abcdef"[(c >> 4) & 15]} + "0123456789abcdef"[c & 15];
    EXPECT_EQ(list("veste_ai_jobs?status=eq." + escaped), Json::array());
    EXPECT_EQ(list("veste_ai_jobs?session_id=in.(%22" + escaped + "%22)").is_array(),
              std::string{text} != "\\");
  }
  EXPECT_EQ(list("veste_ai_jobs?id=eq." + id).size(), 1U);
}

}  // namespace
}  // namespace jobwatchdog::test
