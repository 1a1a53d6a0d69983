// Realtime: the messages, the channels of a page, and who hears of which change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/serve/realtime/job_news.hpp"
#include "native/serve/realtime/realtime_socket.hpp"
#include "tests/native/served.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

const std::string some_id = "d0000000-0000-4000-8000-00000000000d";

TEST(phoenix, messages_are_read_and_written_in_both_spellings) {
  const std::string v2 = R"(["1","2","realtime:a","phx_join",{"x":1}])";
  const std::string v1 =
      R"({"topic":"realtime:a","event":"phx_join","payload":{"x":1},"ref":"2","join_ref":"1"})";
  for (const auto& [text, version] : {std::pair{v2, PhoenixVersion::v2}, std::pair{v1, PhoenixVersion::v1}}) {
    const std::optional<PhoenixMessage> message = parse_phoenix(text, version);
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->topic + " " + message->event, "realtime:a phx_join");
    EXPECT_EQ(Json::parse(phoenix_text(*message, message->payload.dump(), version)), Json::parse(text));
  }
  const PhoenixMessage heartbeat{nullptr, "7", "phoenix", "heartbeat", Json::object()};
  EXPECT_EQ(Json::parse(phoenix_reply(heartbeat, "ok", Json::object(), PhoenixVersion::v2)),
            Json::parse(R"([null,"7","phoenix","phx_reply",{"response":{},"status":"ok"}])"));
}

TEST(phoenix, what_is_no_message_is_nothing) {
  for (const char* text :
       {"", "x", "[]", "{}", "[1,2,3,4,5]", R"(["1","2","t","e",5])", R"([1,"2","t","e",{}])",
        R"({"topic":"t"})", R"(["1","2","t","e",{},6])", "\"\xff\""}) {
    EXPECT_FALSE(parse_phoenix(text, PhoenixVersion::v2)) << text;
    EXPECT_FALSE(parse_phoenix(text, PhoenixVersion::v1)) << text;
  }
  // Whatever copies a message goes as deep as it is.
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_FALSE(parse_phoenix(R"(["1","2","t","e",{"a":)" + deep + "}]", PhoenixVersion::v2));
  EXPECT_EQ(phoenix_version(""), PhoenixVersion::v1);
  EXPECT_EQ(phoenix_version("2.0.0"), PhoenixVersion::v2);
  EXPECT_FALSE(phoenix_version("3.0.0"));
}

TEST(job_news, name_jobs_new_ones_and_all) {
  const auto items =
      parse_job_news("+veste_ai/" + some_id + " upscaler/" + some_id + " nonsense upscaler/x ");
  ASSERT_EQ(items->size(), 2U);
  EXPECT_TRUE((*items)[0].is_new);
  EXPECT_EQ((*items)[0].tool, "veste_ai");
  EXPECT_FALSE((*items)[1].is_new);
  EXPECT_EQ((*items)[1].job_id, some_id);
  EXPECT_FALSE(parse_job_news("veste_ai/" + some_id + " *"));
}

/// What a page would receive.
class Page final : public SocketSender {
 public:
  void send(std::shared_ptr<const std::string> text) override { received.push_back(Json::parse(*text)); }
  void close() override { is_closed = true; }

  /// The messages of one event since the last call, each as [topic, payload].
  std::vector<Json> take(const std::string& event) {
    std::vector<Json> taken;
    for (const Json& message : std::exchange(received, {})) {
      if (message[3] == event) taken.push_back(message[4]);
    }
    return taken;
  }

  std::vector<Json> received;
  bool is_closed{false};
};

class realtime : public testing::Test {
 protected:
  static std::string token(const std::string& user_id, std::int64_t lifetime_s = 600) {
    return sign_token(claims_of("authenticated", user_id, lifetime_s), served_secret).value();
  }

  std::unique_ptr<RealtimeSocket> socket_of(const std::shared_ptr<Page>& page) {
    auto socket = std::make_unique<RealtimeSocket>(served_.services(), hub_, PhoenixVersion::v2,
                                                   Caller{Caller::Kind::anon, "", {{"role", "anon"}}});
    socket->opened(page);
    return socket;
  }

  /// A page that has joined one channel.
  std::unique_ptr<RealtimeSocket> joined(const std::shared_ptr<Page>& page, const std::string& user_id,
                                         const Json& change) {
    auto socket = socket_of(page);
    socket->received(join_text(token(user_id), change));
    page->received.clear();
    return socket;
  }

  static std::string join_text(const std::string& access_token, const Json& change) {
    return Json{"1",
                "1",
                "realtime:c",
                "phx_join",
                {{"config", {{"postgres_changes", {change}}}}, {"access_token", access_token}}}
        .dump();
  }
  static Json of_job(const std::string& job_id, const std::string& event = "UPDATE") {
    return {
        {"event", event}, {"schema", "public"}, {"table", "veste_ai_jobs"}, {"filter", "id=eq." + job_id}};
  }

  Served served_;
  std::shared_ptr<RealtimeHub> hub_{std::make_shared<RealtimeHub>(served_.services()->connections)};
  std::shared_ptr<Page> page_{std::make_shared<Page>()};
};

TEST_F(realtime, a_join_is_answered_as_the_client_compares_it_and_then_catches_up) {
  const std::string job_id = served_.pending_job();
  auto socket = socket_of(page_);
  Json change = of_job(job_id);
  socket->received(join_text(token(owner_id), change));
  ASSERT_EQ(page_->received.size(), 3U) << Json(page_->received);
  EXPECT_EQ(page_->received[0][3], "phx_reply");
  const Json reply = page_->received[0][4]["response"]["postgres_changes"][0];
  change["id"] = reply["id"];
  EXPECT_EQ(reply, change);
  EXPECT_TRUE(reply["id"].is_number());
  EXPECT_EQ(page_->received[1][4]["message"], "Subscribed to PostgreSQL");
  EXPECT_EQ(page_->received[1][4]["channel"], "c");
  const Json data = page_->received[2][4]["data"];
  EXPECT_EQ(page_->received[2][4]["ids"], Json::array({reply["id"]}));
  EXPECT_EQ(data["record"]["id"], job_id);
  EXPECT_EQ(data["type"], "UPDATE");
  EXPECT_EQ(data["old_record"], (Json{{"id", job_id}}));
  EXPECT_EQ(data["columns"].size(), data["record"].size());
}

TEST_F(realtime, changes_reach_the_owner_and_administrators_once_and_nobody_else) {
  const std::string job_id = served_.pending_job();
  const auto others = std::make_shared<Page>();
  const auto admins = std::make_shared<Page>();
  auto own = joined(page_, owner_id, of_job(job_id));
  auto other = joined(others, other_id, of_job(job_id));
  auto admin = joined(admins, admin_id, of_job(job_id));
  served_.database().exec("SELECT watchdog.start_job('veste_ai_jobs', '" + job_id + "')");
  hub_->hear({{"veste_ai", job_id, false}, {"veste_ai", some_id, false}});
  hub_->hear({{"veste_ai", job_id, false}});
  hub_->hear_of_everything();
  const std::vector<Json> heard = page_->take("postgres_changes");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0]["data"]["record"]["status"], "queued");
  EXPECT_EQ(admins->take("postgres_changes").size(), 1U);
  EXPECT_EQ(others->take("postgres_changes").size(), 0U);
}

TEST_F(realtime, tells_of_a_row_whose_writer_left_updated_at_alone_and_of_no_older_row_after_a_newer) {
  const std::string job_id = served_.pending_job();
  auto own = joined(page_, owner_id, of_job(job_id));
  served_.database().exec("UPDATE public.ai_jobs SET error_message = 'by hand' WHERE id = '" + job_id + "'");
  hub_->hear({{"veste_ai", job_id, false}});
  EXPECT_EQ(page_->take("postgres_changes").size(), 1U);
  served_.database().exec("UPDATE public.ai_jobs SET updated_at = updated_at - interval '1 s' WHERE id = '" +
                          job_id + "'");
  hub_->hear({{"veste_ai", job_id, false}});
  EXPECT_EQ(page_->take("postgres_changes").size(), 0U);
}

// What a page hears is what it could have read. Source: invariants.md S8.
TEST_F(realtime, shows_what_row_level_security_shows) {
  for (const std::string& job_of : {owner_id, other_id}) {
    const std::string job_id = served_.pending_job(job_of);
    for (const std::string& reader : {owner_id, other_id, admin_id}) {
      const auto page = std::make_shared<Page>();
      auto socket = socket_of(page);
      socket->received(join_text(token(reader), of_job(job_id)));
      const HttpReply read =
          served_.call("GET", "/rest/v1/veste_ai_jobs?id=eq." + job_id, "", as_user(reader));
      EXPECT_EQ(page->take("postgres_changes").size(), Json::parse(read.body).size())
          << job_of << " " << reader;
    }
  }
}

TEST_F(realtime, new_jobs_of_a_user_are_inserts) {
  auto socket = joined(page_, owner_id,
                       {{"event", "INSERT"},
                        {"schema", "public"},
                        {"table", "veste_ai_jobs"},
                        {"filter", "user_id=eq." + owner_id}});
  const std::string job_id = served_.pending_job();
  hub_->hear({{"veste_ai", job_id, true}, {"veste_ai", served_.pending_job(other_id), true}});
  const std::vector<Json> heard = page_->take("postgres_changes");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0]["data"]["type"], "INSERT");
  EXPECT_EQ(heard[0]["data"]["record"]["id"], job_id);
}

TEST_F(realtime, a_page_that_left_or_went_hears_nothing_more) {
  const std::string job_id = served_.pending_job();
  auto socket = joined(page_, owner_id, of_job(job_id));
  socket->received(R"(["1","9","realtime:c","phx_leave",{}])");
  ASSERT_EQ(page_->received.size(), 2U);
  EXPECT_EQ(page_->received[0][4]["status"], "ok");
  EXPECT_EQ(page_->received[1][3], "phx_close");
  EXPECT_EQ(hub_->size(), 0U);
  auto another = joined(page_, owner_id, of_job(job_id));
  EXPECT_EQ(hub_->size(), 1U);
  another->gone();
  EXPECT_EQ(hub_->size(), 0U);
}

TEST_F(realtime, what_cannot_be_told_of_is_said_and_the_channel_stays) {
  for (const Json& change :
       {Json{{"event", "UPDATE"}, {"schema", "public"}, {"table", "exams"}},
        Json{{"event", "UPDATE"}, {"schema", "watchdog"}, {"table", "veste_ai_jobs"}},
        Json{{"event", "*"}, {"schema", "public"}, {"table", "veste_ai_jobs"}, {"filter", "status=eq.x"}}}) {
    auto socket = socket_of(page_);
    socket->received(join_text(token(owner_id), change));
    ASSERT_EQ(page_->received.size(), 2U);
    EXPECT_EQ(page_->received[0][4]["status"], "ok");
    EXPECT_EQ(page_->received[1][4]["status"], "error");
    EXPECT_THAT(page_->received[1][4]["message"], HasSubstr("Unable to subscribe"));
    page_->received.clear();
  }
}

TEST_F(realtime, joins_with_a_wrong_token_are_refused_and_an_expired_one_ends_the_channel) {
  auto socket = socket_of(page_);
  socket->received(join_text("abc.def.ghi", of_job(some_id)));
  EXPECT_EQ(page_->received[0][4]["status"], "error");
  EXPECT_THAT(page_->received[0][4]["response"]["reason"], HasSubstr("InvalidJWTToken"));
  socket->received(R"(["1","2","elsewhere","phx_join",{}])");
  EXPECT_EQ(page_->received[1][4]["response"]["reason"], "unmatched topic");
  page_->received.clear();

  // Within the tolerance of clocks it is still let in.
  auto expiring = socket_of(page_);
  expiring->received(join_text(token(owner_id, -5), of_job(some_id)));
  EXPECT_EQ(hub_->size(), 1U);
  page_->received.clear();
  expiring->received(R"([null,"7","phoenix","heartbeat",{}])");
  ASSERT_EQ(page_->received.size(), 3U);
  EXPECT_EQ(page_->received[0][4]["status"], "ok");
  EXPECT_EQ(page_->received[1][4]["message"], "Token has expired");
  EXPECT_EQ(page_->received[2][3], "phx_close");
  EXPECT_EQ(hub_->size(), 0U);
}

TEST_F(realtime, a_new_token_changes_what_is_seen) {
  const std::string job_id = served_.pending_job();
  auto socket = joined(page_, other_id, of_job(job_id));
  hub_->hear({{"veste_ai", job_id, false}});
  EXPECT_EQ(page_->take("postgres_changes").size(), 0U);
  socket->received(Json{"1", "9", "realtime:c", "access_token", {{"access_token", token(owner_id)}}}.dump());
  EXPECT_TRUE(page_->received.empty());
  hub_->hear({{"veste_ai", job_id, false}});
  EXPECT_EQ(page_->take("postgres_changes").size(), 1U);
  socket->received(Json{"1", "9", "realtime:c", "access_token", {{"access_token", "x.y.z"}}}.dump());
  EXPECT_EQ(hub_->size(), 0U);
}

TEST_F(realtime, a_text_that_is_no_message_ends_the_socket) {
  auto socket = socket_of(page_);
  socket->received("GET / HTTP/1.1");
  EXPECT_TRUE(page_->is_closed);
}

TEST_F(realtime, the_door_wants_a_key_and_a_version_that_is_known) {
  const SocketHandler door = realtime_door(served_.services(), hub_);
  const auto status = [&](const std::string& path, const std::string& query) {
    HttpRequest request;
    request.path = path;
    request.query = query;
    const SocketAnswer answer = door(request);
    const auto* refusal = std::get_if<HttpReply>(&answer);
    return refusal == nullptr ? 101 : refusal->status;
  };
  const std::string path = "/realtime/v1/websocket";
  EXPECT_EQ(status(path, "apikey=" + publishable_key + "&vsn=2.0.0"), 101);
  EXPECT_EQ(status(path, "apikey=" + publishable_key), 101);
  EXPECT_EQ(status(path, "vsn=1.0.0"), 401);
  EXPECT_EQ(status(path, "apikey=wrong"), 401);
  EXPECT_EQ(status(path, "apikey=" + cron_secret), 403);
  EXPECT_EQ(status(path, "apikey=" + publishable_key + "&vsn=9"), 400);
  EXPECT_EQ(status(path, "apikey=%"), 400);
  EXPECT_EQ(status("/elsewhere", "apikey=" + publishable_key), 404);
}

// Whoever writes: the trigger tells, unless the writer tells later.
TEST_F(realtime, news_come_from_whoever_writes_and_from_the_teller) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> heard;
  int everything_count = 0;
  const JobNewsListener listener{served_.database().url(),
                                 [&](const std::vector<JobNewsItem>& items) {
                                   const std::lock_guard lock{mutex};
                                   for (const JobNewsItem& item : items)
                                     heard.push_back((item.is_new ? "+" : "") + item.job_id);
                                   changed.notify_all();
                                 },
                                 [&] {
                                   const std::lock_guard lock{mutex};
                                   ++everything_count;
                                   changed.notify_all();
                                 }};
  const auto wait_for = [&](const std::function<bool()>& condition) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{20}, condition);
  };
  ASSERT_TRUE(wait_for([&] { return everything_count == 1; }));
  const std::string job_id = served_.pending_job();
  EXPECT_TRUE(wait_for([&] { return heard == std::vector<std::string>{"+" + job_id}; }));
  served_.database().exec(
      "BEGIN; SET LOCAL watchdog.news = 'later'; UPDATE public.ai_jobs SET updated_at = now(); COMMIT");
  JobNewsTeller teller{served_.services()->connections};
  teller.tell("veste_ai", job_id);
  EXPECT_TRUE(wait_for([&] { return heard == std::vector<std::string>{"+" + job_id, job_id}; }));
  served_.database().exec("SELECT pg_notify('watchdog_jobs', '*')");
  EXPECT_TRUE(wait_for([&] { return everything_count == 2; }));
  // A connection that is cut is made anew, and what was missed meanwhile is looked for.
  served_.database().exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()");
  EXPECT_TRUE(wait_for([&] { return everything_count == 3; }));
}

}  // namespace
}  // namespace jobwatchdog::test
