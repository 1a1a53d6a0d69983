// Files of pages on their way to the provider: whose, which, how many at once, and what becomes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/http/answers_to.hpp"
#include "native/http/http_server.hpp"
#include "native/serve/file_kind.hpp"
#include "tests/native/living_system.hpp"
#include "tests/native/raw_connection.hpp"
#include "tests/native/served.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* path = "/functions/v1/runninghub-veste-ai/upload";
constexpr std::size_t megabyte = 1'024 * 1'024;

std::string picture(std::size_t size) {
  std::string content = "\x89PNG\r\n\x1a\n";
  while (content.size() < size) content += static_cast<char>(content.size() * 31 + content.size() / 997);
  return content;
}

TEST(file_kind, is_told_by_the_first_bytes_and_by_nothing_else) {
  const auto iso = [](const std::string& brand) {
    return std::string("\0\0\0\x18", 4) + "ftyp" + brand + std::string(8, '\0');
  };
  EXPECT_EQ(file_ending(picture(20)), ".png");
  EXPECT_EQ(file_ending("\xff\xd8\xff\xe0 and so on"), ".jpg");
  EXPECT_EQ(file_ending(std::string("RIFF\0\0\0\0WEBPVP8 ", 16)), ".webp");
  EXPECT_EQ(file_ending(std::string("RIFF\0\0\0\0WAVEfmt ", 16)), "");
  EXPECT_EQ(file_ending(iso("isom")), ".mp4");
  EXPECT_EQ(file_ending(iso("qt  ")), ".mov");
  EXPECT_EQ(file_ending(iso("heic")), "");
  EXPECT_EQ(file_ending(iso("avif")), "");
  EXPECT_EQ(file_ending("\x1a\x45\xdf\xa3 webm"), ".webm");
  for (const char* other :
       {"", "\x89PNG", "<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", "#!/bin/sh", "{}"})
    EXPECT_EQ(file_ending(other), "") << other;
}

class uploads : public testing::Test {
 protected:
  /// A small file, and what its user is told.
  Json send(const std::string& content, const std::string& type, Headers headers,
            const std::string& to = path) {
    if (!type.empty()) headers["content-type"] = type;
    const HttpReply reply = served_.call("POST", to, content, headers);
    Json answer = Json::parse(reply.body, nullptr, false);
    answer["httpStatus"] = reply.status;
    return answer;
  }

  Served served_;
};

TEST_F(uploads, give_the_name_that_the_file_has_at_the_provider) {
  for (const char* type : {"image/png", "application/octet-stream", "image/png; charset=binary"}) {
    const Json answer = send(picture(100), type, as_user(owner_id));
    EXPECT_EQ(answer["httpStatus"], 200) << answer;
    EXPECT_EQ(answer.value("fileName", ""), "api/100upload.png");
  }
}

TEST_F(uploads, of_what_is_no_picture_and_no_film_are_refused_in_words) {
  const auto code = [&](const std::string& content, const std::string& type) {
    const Json answer = send(content, type, as_user(owner_id));
    EXPECT_NE(answer.value("error", ""), "");
    return std::to_string(answer.value("httpStatus", 0)) + " " + answer.value("code", "");
  };
  EXPECT_EQ(code(picture(100), "application/json"), "415 UNSUPPORTED_FILE");
  EXPECT_EQ(code(picture(100), "multipart/form-data; boundary=x"), "415 UNSUPPORTED_FILE");
  EXPECT_EQ(code("<svg/>", "image/svg+xml"), "415 UNSUPPORTED_FILE");
  EXPECT_EQ(code("MZ a program", "image/png"), "415 UNSUPPORTED_FILE");
  EXPECT_EQ(code("", "image/png"), "400 NO_FILE");
  EXPECT_EQ(send(picture(100), "image/png", as_user(owner_id),
                 "/functions/v1/runninghub-nothing/upload")["httpStatus"],
            404);
  EXPECT_EQ(send(picture(100), "image/png", as_user(owner_id), "/functions/v1/nothing/upload")["httpStatus"],
            404);
}

TEST_F(uploads, want_a_user) {
  EXPECT_EQ(send(picture(100), "image/png", {})["httpStatus"], 401);
  EXPECT_EQ(send(picture(100), "image/png", as_anon())["httpStatus"], 403);
  EXPECT_EQ(send(picture(100), "image/png", as_cron())["httpStatus"], 403);
}

/// The same routes behind a socket, where bodies are large.
class large_uploads : public uploads {
 protected:
  large_uploads() {
    HttpServerOptions options;
    options.admit_large_body = large_body_door(served_.services());
    server_ = std::make_unique<HttpServer>(
        std::move(HttpServer::start(options, router(served_.services())).value()));
  }

  /// The head of a request whose body is so long.
  static std::string head(std::size_t size, const Headers& headers, const std::string& to = path) {
    std::string text = "POST " + to + " HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    return text + "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  }
  /// The reply to a head behind which nothing comes.
  std::string reply_to(const std::string& head) const {
    RawConnection connection{server_->port()};
    connection.send(head);
    return connection.reply();
  }
  /// A file that begins to come and holds its place: "100 Continue" tells that it was let in.
  std::unique_ptr<RawConnection> begin(std::size_t size, Headers headers) const {
    headers["Expect"] = "100-continue";
    auto connection = std::make_unique<RawConnection>(server_->port());
    connection->send(head(size, headers));
    if (connection->reply().starts_with("HTTP/1.1 100 ")) return connection;
    return nullptr;
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(large_uploads, come_whole) {
  RawConnection connection{server_->port()};
  const std::string content = picture(3 * megabyte);
  connection.send(head(content.size(), as_user(owner_id)) + content);
  const std::string reply = connection.reply();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(reply, HasSubstr("api/3145728upload.png"));
  connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(connection.reply(), HasSubstr("ok"));
}

TEST_F(large_uploads, of_whoever_may_not_are_turned_away_before_their_first_byte) {
  EXPECT_THAT(reply_to(head(megabyte, {})), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(reply_to(head(megabyte, bearer("nonsense"))), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(reply_to(head(megabyte, as_anon())), StartsWith("HTTP/1.1 403 "));
  Headers from_page = as_anon();
  from_page["Origin"] = "https://app.example";
  EXPECT_THAT(reply_to(head(megabyte, from_page)),
              HasSubstr("access-control-allow-origin: https://app.example"));
}

TEST_F(large_uploads, beyond_the_limit_and_large_bodies_elsewhere_are_refused) {
  const Headers user = as_user(owner_id);
  EXPECT_THAT(reply_to(head(30 * megabyte + 1, user)),
              testing::AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("at most 30 MB")));
  EXPECT_THAT(reply_to(head(99'999'999'999, user)), StartsWith("HTTP/1.1 413 "));
  for (const char* other : {"/functions/v1/runninghub-job-sync", "/functions/v1/runninghub-webhook",
                            "/rest/v1/veste_ai_jobs", "/nowhere"})
    EXPECT_THAT(reply_to(head(megabyte, user, other)), StartsWith("HTTP/1.1 413 ")) << other;
  // Who does not tell the length has no place.
  std::string chunked = head(1, user);
  chunked.replace(chunked.find("Content-Length: 1"), 17, "Transfer-Encoding: chunked");
  EXPECT_THAT(reply_to(chunked + "100000\r\n" + std::string(megabyte, 'x') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(large_uploads, of_one_user_are_two_at_once_and_those_of_another_have_room) {
  std::unique_ptr<RawConnection> first = begin(megabyte, as_user(owner_id));
  const std::unique_ptr<RawConnection> second = begin(megabyte, as_user(owner_id));
  ASSERT_TRUE(first && second);
  const std::string refused = reply_to(head(megabyte, as_user(owner_id)));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("retry-after: 5"));
  EXPECT_THAT(refused, HasSubstr("UPLOADS_BUSY"));
  // A small one needs a place as well.
  EXPECT_EQ(send(picture(100), "image/png", as_user(owner_id))["httpStatus"], 503);
  EXPECT_TRUE(begin(megabyte, as_user(other_id)));
  // Whoever breaks off gives the place back.
  first.reset();
  std::unique_ptr<RawConnection> third;
  for (int i = 0; i < 10'000 && !third; ++i) third = begin(megabyte, as_user(owner_id));
  EXPECT_TRUE(third);
}

TEST_F(large_uploads, twin_a_finished_upload_frees_its_place) {
  for (int i = 0; i < 6; ++i) {
    RawConnection connection{server_->port()};
    const std::string content = picture(megabyte);
    connection.send(head(content.size(), as_user(owner_id)) + content);
    EXPECT_THAT(connection.reply(), StartsWith("HTTP/1.1 200 ")) << i;
  }
}

TEST_F(large_uploads, of_all_users_together_take_no_more_memory_than_there_is_room) {
  const auto user = [](int number) {
    return as_user("a0000000-0000-4000-8000-0000000000" + std::to_string(10 + number));
  };
  std::vector<std::unique_ptr<RawConnection>> under_way;
  for (int i = 0; i < 4; ++i) under_way.push_back(begin(30 * megabyte, user(i)));
  EXPECT_THAT(under_way, testing::Each(testing::NotNull()));
  EXPECT_EQ(begin(30 * megabyte, user(5)), nullptr);
  EXPECT_NE(begin(8 * megabyte, user(6)), nullptr);
}

TEST_F(large_uploads, twin_without_the_door_no_large_body_comes_in) {
  const HttpServer server = std::move(HttpServer::start({}, router(served_.services())).value());
  RawConnection connection{server.port()};
  connection.send(head(megabyte, as_user(owner_id)));
  EXPECT_THAT(connection.reply(), StartsWith("HTTP/1.1 413 "));
}

// With the emulated provider.

HttpAnswer answer_of(const HttpCall& call) { return answers_to({call}).front(); }

HttpCall upload_call(const std::string& url, const std::string& user_id, const std::string& content) {
  const Secret secret{"a secret of living systems, long enough"};
  HttpCall call;
  call.url = url + path;
  call.headers = {
      {"Authorization", "Bearer " + sign_token(claims_of("authenticated", user_id), secret).value()},
      {"Content-Type", "image/png"}};
  call.body = content;
  call.total_timeout = seconds(60);
  return call;
}

// The emulator names a file by its bytes, so equal names are equal files.
TEST(uploads_life, what_a_page_sends_arrives_at_the_provider_byte_by_byte_and_a_job_can_use_it) {
  LivingSystem system;
  BackgroundProcess& node = system.start_node();
  const std::string user_id = system.database().value("SELECT md5('user 1')::uuid");
  const auto name_of = [&](const std::string& content) {
    const HttpAnswer answer = answer_of(upload_call(system.node_url(), user_id, content));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body, nullptr, false).value("fileName", "");
  };
  const std::string content = picture(7 * megabyte);
  std::string other = content;
  other[other.size() / 2] ^= 1;
  const std::string name = name_of(content);
  EXPECT_THAT(name, testing::EndsWith(".png"));
  EXPECT_EQ(name_of(content), name);
  EXPECT_NE(name_of(other), name);
  EXPECT_NE(name_of(picture(1'000)), name);
  const std::string job_id =
      system.database().value("SELECT watchdog.create_job('veste_ai_jobs', '" + user_id +
                              "', jsonb_build_object('inputs', jsonb_build_object('person', '" + name +
                              "', 'clothing', '" + name + "')), 10)");
  system.database().exec("SELECT watchdog.start_job('veste_ai_jobs', '" + job_id + "')");
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(system.database().value("SELECT status FROM public.ai_jobs"), "completed");
  LivingSystem::end(node);
}

TEST(uploads_life, a_provider_that_says_no_or_is_not_there_is_told_in_words) {
  LivingSystem system{{"--reply-5xx", "100%"}};
  BackgroundProcess& node = system.start_node();
  const std::string user_id = system.database().value("SELECT md5('user 1')::uuid");
  const HttpAnswer refused = answer_of(upload_call(system.node_url(), user_id, picture(megabyte)));
  EXPECT_EQ(refused.status, 502);
  EXPECT_EQ(Json::parse(refused.body, nullptr, false).value("code", ""), "UPLOAD_FAILED");
  LivingSystem::end(node);

  auto environment = system.environment();
  environment.erase("WATCHDOG_RUNNINGHUB_API_KEY");
  BackgroundProcess keyless{{jobwatchdog_binary(), "serve", "--no-sweeps", "--listen", "127.0.0.1:0"},
                            environment};
  const std::string told = keyless.wait_for_error_line("listening on ");
  const std::size_t from = told.find("http://");
  const HttpAnswer answer = answer_of(
      upload_call(told.substr(from, told.find_first_of(" \n\r", from) - from), user_id, picture(1'000)));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(Json::parse(answer.body, nullptr, false).value("code", ""), "NO_PROVIDER");
  keyless.signal(SIGTERM);
  EXPECT_EQ(keyless.finish().exit_code, 0);
}

}  // namespace
}  // namespace jobwatchdog::test
