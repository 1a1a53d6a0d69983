// The HTTP server: what it promises to honest clients, and what rude ones cannot take from it.
#include "native/http/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/native/raw_connection.hpp"

namespace jobwatchdog::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A door that threads wait at until it is opened.
class Gate {
 public:
  void open() { opened_.set_value(); }
  void pass() { future_.wait(); }

 private:
  std::promise<void> opened_;
  std::shared_future<void> future_{opened_.get_future()};
};

HttpServer served(const HttpServerOptions& options, HttpHandler handler) {
  Result<HttpServer> server = HttpServer::start(options, std::move(handler));
  if (!server.ok()) throw std::runtime_error(server.error().what);
  return std::move(server.value());
}

/// Tells what it was asked.
HttpReply echo(const HttpRequest& request) {
  return {.headers = {{"X-Type", "echo"}},
          .body = request.method + " " + request.path + " ?" + request.query + " " + request.body};
}

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

std::string post(const std::string& body) {
  return "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string answer_to(const HttpServer& server, const std::string& bytes) {
  RawConnection client{server.port()};
  client.send(bytes);
  return client.reply();
}

TEST(http_server, hands_the_whole_request_to_the_handler_and_the_whole_reply_to_the_client) {
  std::map<std::string, std::string> headers;
  std::string peer;
  const HttpServer server = served({}, [&](const HttpRequest& request) {
    headers = request.headers;
    peer = request.peer;
    return echo(request);
  });
  const std::string reply = answer_to(
      server, "PUT /a/b?c=d&e HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("X-Type: echo\r\n"));
  EXPECT_THAT(reply, testing::EndsWith("\r\n\r\nPUT /a/b ?c=d&e hello"));
  EXPECT_EQ(headers["x-one"], "1, 2");
  EXPECT_EQ(peer, "127.0.0.1");
}

TEST(http_server, answers_one_connection_again_and_again_and_what_is_sent_at_once_in_order) {
  const HttpServer server = served({}, echo);
  RawConnection client{server.port()};
  for (const char* path : {"/1", "/2", "/3"}) {
    client.send(get(path));
    EXPECT_THAT(client.reply(), HasSubstr(path));
  }
  client.send(get("/4") + post("five") + get("/6"));
  EXPECT_THAT(client.reply(), HasSubstr("GET /4"));
  EXPECT_THAT(client.reply(), HasSubstr("POST /p ? five"));
  EXPECT_THAT(client.reply(), HasSubstr("GET /6"));
}

TEST(http_server, ends_the_connection_when_the_client_wishes_so) {
  const HttpServer server = served({}, echo);
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawConnection client{server.port()};
    client.send(request);
    EXPECT_THAT(client.rest(), HasSubstr("Connection: close\r\n"));
  }
}

TEST(http_server, answers_head_without_a_body_and_204_without_a_length) {
  const HttpServer server = served({}, [](const HttpRequest& request) {
    return request.path == "/none" ? HttpReply{.status = 204} : HttpReply{.body = "12345"};
  });
  RawConnection client{server.port()};
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string reply = client.rest();
  EXPECT_THAT(reply, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(reply, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer_to(server, get("/none")), Not(HasSubstr("Content-Length")));
}

TEST(http_server, sends_a_file_that_replies_share_and_of_it_only_the_length_to_head) {
  const auto file = std::make_shared<const std::string>(1'000'000, 'f');
  const HttpServer server =
      served({}, [&](const HttpRequest&) { return HttpReply{.body = "not this", .file = file}; });
  RawConnection fresh{server.port()};
  fresh.send(get("/"));
  EXPECT_THAT(fresh.reply(), testing::EndsWith("\r\n\r\n" + *file));
  fresh.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string head = fresh.rest();
  EXPECT_THAT(head, HasSubstr("Content-Length: 1000000\r\n"));
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
}

TEST(http_server, reads_a_large_body_only_with_leave_and_keeps_its_place_until_the_answer) {
  auto place = std::make_shared<int>();
  long holder_count = 0;
  HttpServerOptions options{.body_size_max = 10};
  options.admit_large_body = [&](const HttpRequest& head,
                                 std::size_t size) -> std::variant<LargeBodyPermit, HttpReply> {
    EXPECT_GT(size, 10U);
    if (head.path != "/large") return HttpReply{.status = 403, .body = "not here"};
    return LargeBodyPermit{.size_max = 20, .timeout = minutes(1), .place = place};
  };
  const HttpServer server = served(options, [&](const HttpRequest& request) {
    holder_count = place.use_count();
    return HttpReply{.body = request.large_body ? "large " + *request.large_body : "small " + request.body};
  });
  const auto send = [&](const std::string& path, std::size_t size) {
    return answer_to(server, "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                 std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
  };
  EXPECT_THAT(send("/large", 10), HasSubstr("small xxxxxxxxxx"));
  EXPECT_EQ(holder_count, 1);
  EXPECT_THAT(send("/large", 20), HasSubstr("large xxxxxxxxxxxxxxxxxxxx"));
  EXPECT_GE(holder_count, 2);
  EXPECT_THAT(send("/large", 21), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(send("/other", 11), testing::AllOf(StartsWith("HTTP/1.1 403 "), HasSubstr("not here")));
}

TEST(http_server, reads_chunks_and_says_continue_to_a_client_that_waits_for_it) {
  const HttpServer server = served({}, echo);
  EXPECT_THAT(
      answer_to(
          server,
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
      testing::EndsWith("POST / ? abcde"));
  RawConnection client{server.port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.reply(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.reply(), testing::EndsWith("POST / ? ok"));
}

TEST(http_server, refuses_a_header_that_is_too_large_or_has_no_end) {
  const HttpServer server = served({.header_size_max = 1'000}, echo);
  const auto with_header_of = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(size, 'x') + "\r\n\r\n";
  };
  EXPECT_THAT(answer_to(server, with_header_of(900)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer_to(server, with_header_of(1'000)), StartsWith("HTTP/1.1 431 "));
  RawConnection endless{server.port()};
  endless.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 100'000 && endless.send("X-" + std::to_string(i) + ": y\r\n"); ++i) {
  }
  EXPECT_THAT(endless.rest(), testing::AnyOf(StartsWith("HTTP/1.1 431 "), ""));
}

TEST(http_server, refuses_chunks_whose_own_headers_have_no_end) {
  const HttpServer server = served({}, echo);
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* opening : {"3;x=", "3\r\nabc\r\n0\r\nX-Trailer: "}) {
    RawConnection endless{server.port()};
    endless.send(start + opening);
    const std::string more(10'000, 'x');
    int sent_count = 0;
    while (sent_count < 10'000 && endless.send(more)) ++sent_count;
    endless.rest();
    EXPECT_LT(sent_count, 10'000);
  }
}

TEST(http_server, refuses_a_body_that_is_too_large_before_it_is_sent_or_as_soon_as_it_is) {
  const HttpServer server = served({.body_size_max = 100}, echo);
  EXPECT_THAT(answer_to(server, post(std::string(100, 'x'))), StartsWith("HTTP/1.1 200 "));
  RawConnection client{server.port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
  EXPECT_THAT(client.reply(), StartsWith("HTTP/1.1 413 "));
  RawConnection chunked{server.port()};
  chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) chunked.send("a\r\n0123456789\r\n");
  EXPECT_THAT(chunked.reply(), StartsWith("HTTP/1.1 413 "));
}

TEST(http_server, refuses_what_two_servers_could_read_differently) {
  const HttpServer server = served({}, echo);
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunks = "\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const char* headers :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: +3\r\n", "Content-Length: 3, 4\r\n",
        "Content-Length : 3\r\n", "Content-Length: -1\r\n", "X\r\n"}) {
    EXPECT_THAT(answer_to(server, start + headers + chunks), StartsWith("HTTP/1.1 400 ")) << headers;
  }
  EXPECT_THAT(answer_to(server, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(server, "GET / HTTP/3.0\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to(server, start + "Transfer-Encoding: Chunked\r\n" + chunks),
              StartsWith("HTTP/1.1 200 "));
}

TEST(http_server, gives_a_request_a_time_from_its_first_byte_to_its_last) {
  const HttpServer server = served({.request_timeout = milliseconds(200)}, echo);
  RawConnection half{server.port()};
  half.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_EQ(half.rest(), "");
  // Every byte in time does not make the whole in time.
  RawConnection slow{server.port()};
  slow.send("GET / HTTP/1.1\r\nX: ");
  std::thread drip{[&slow] {
    while (slow.send("x")) {
    }
  }};
  slow.rest();
  drip.join();
  RawConnection patient{server.port()};
  patient.send("GET / HTTP/1.1\r\nHost:");
  patient.send(" a\r\n\r\n");
  EXPECT_THAT(patient.reply(), StartsWith("HTTP/1.1 200 "));
}

TEST(http_server, closes_a_connection_that_says_nothing) {
  const HttpServer server = served({.idle_timeout = milliseconds(100)}, echo);
  RawConnection fresh{server.port()};
  EXPECT_EQ(fresh.rest(), "");
  RawConnection used{server.port()};
  used.send(get("/"));
  EXPECT_THAT(used.rest(), HasSubstr("GET /"));
}

TEST(http_server, gives_the_place_of_the_idlest_connection_to_a_new_one) {
  const HttpServer server = served({.connections_max = 2}, echo);
  RawConnection first{server.port()};
  first.send(get("/1"));
  first.reply();
  RawConnection second{server.port()};
  second.send(get("/2"));
  second.reply();
  RawConnection third{server.port()};
  third.send(get("/3"));
  EXPECT_THAT(third.reply(), HasSubstr("GET /3"));
  EXPECT_EQ(first.rest(), "");
  second.send(get("/2-again"));
  EXPECT_THAT(second.reply(), HasSubstr("GET /2-again"));
}

TEST(http_server, lets_a_new_connection_wait_while_all_others_are_busy) {
  Gate gate;
  std::mutex lock;
  std::vector<std::string> order;
  const HttpServer server = served({.connections_max = 1}, [&](const HttpRequest& request) {
    if (request.path == "/busy") gate.pass();
    const std::lock_guard held{lock};
    order.push_back(request.path);
    return echo(request);
  });
  RawConnection busy{server.port()};
  busy.send(get("/busy"));
  RawConnection waiting{server.port()};
  ASSERT_TRUE(waiting.is_open());
  waiting.send(get("/waiting"));
  gate.open();
  EXPECT_THAT(waiting.reply(), HasSubstr("GET /waiting"));
  EXPECT_THAT(order, ElementsAre("/busy", "/waiting"));
}

TEST(http_server, closes_what_one_address_opens_beyond_its_share) {
  const HttpServer server = served({.connections_per_address_max = 2}, echo);
  RawConnection first{server.port()};
  first.send(get("/1"));
  first.reply();
  {
    RawConnection second{server.port()};
    second.send(get("/2"));
    second.reply();
    RawConnection third{server.port()};
    EXPECT_EQ(third.rest(), "");
    first.send(get("/1-again"));
    EXPECT_THAT(first.reply(), HasSubstr("GET /1-again"));
  }
  first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  first.rest();
  EXPECT_THAT(answer_to(server, get("/in-its-place")), HasSubstr("GET /in-its-place"));
}

TEST(http_server_twin, a_proxy_may_open_as_many_as_it_likes) {
  const HttpServer server =
      served({.connections_per_address_max = 1, .is_proxy = [](const auto&) { return true; }}, echo);
  RawConnection first{server.port()};
  first.send(get("/1"));
  first.reply();
  EXPECT_THAT(answer_to(server, get("/2")), HasSubstr("GET /2"));
}

TEST(http_server, lets_clients_that_never_finish_shut_nobody_out) {
  const HttpServer server = served({.connections_max = 2, .request_timeout = milliseconds(200)}, echo);
  RawConnection one{server.port()};
  one.send("GET / HTTP/1.1\r\n");
  RawConnection two{server.port()};
  two.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_THAT(answer_to(server, get("/honest")), HasSubstr("GET /honest"));
}

TEST(http_server, delays_a_reply_without_holding_a_thread) {
  const HttpServer server = served({.thread_count = 1}, [](const HttpRequest& request) {
    return HttpReply{.body = request.path, .delay = request.path == "/late" ? minutes(10) : milliseconds(1)};
  });
  RawConnection late{server.port()};
  late.send(get("/late"));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(answer_to(server, get("/soon")), HasSubstr("/soon"));
}

TEST(http_server_twin, a_handler_that_waits_itself_does_hold_its_thread) {
  Gate gate;
  std::vector<std::string> order;
  const HttpServer server = served({.thread_count = 1}, [&](const HttpRequest& request) {
    order.push_back("begin " + request.path);
    if (request.path == "/late") gate.pass();
    order.push_back("end " + request.path);
    return HttpReply{};
  });
  RawConnection late{server.port()};
  late.send(get("/late"));
  RawConnection soon{server.port()};
  soon.send(get("/soon"));
  gate.open();
  late.reply();
  soon.reply();
  ASSERT_EQ(order.size(), 4U);
  EXPECT_EQ(order[0].substr(6), order[1].substr(4));
}

TEST(http_server, asks_again_when_the_bell_rings_and_holds_no_thread_till_then) {
  auto bell = std::make_shared<Bell>();
  const HttpServer server = served({.thread_count = 1}, [&](const HttpRequest& request) {
    if (request.path != "/wait") return HttpReply{.body = request.path};
    return HttpReply{
        .then = [] { return HttpReply{.body = "it rang"}; }, .waits_for = bell, .waits_at_most = minutes(10)};
  });
  RawConnection waiting{server.port()};
  waiting.send(get("/wait"));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(answer_to(server, get("/soon")), HasSubstr("/soon"));
  bell->ring();
  bell->ring();
  EXPECT_THAT(waiting.reply(), HasSubstr("it rang"));
}

TEST(http_server, asks_again_at_once_for_a_bell_that_rang_before_and_in_the_end_without_any_ring) {
  auto rung = std::make_shared<Bell>();
  rung->ring();
  const HttpServer server = served({}, [&](const HttpRequest& request) {
    const bool is_first = request.path == "/rung";
    return HttpReply{.then = [] { return HttpReply{.body = "later"}; },
                     .waits_for = is_first ? rung : nullptr,
                     .waits_at_most = is_first ? minutes(10) : milliseconds(1)};
  });
  EXPECT_THAT(answer_to(server, get("/rung")), HasSubstr("later"));
  EXPECT_THAT(answer_to(server, get("/patience")), HasSubstr("later"));
}

TEST(http_server, goes_wrong_on_purpose_when_the_handler_says_so) {
  const HttpServer server = served({}, [](const HttpRequest& request) {
    return HttpReply{.body = std::string(1'000, 'x'),
                     .hang_up = request.path == "/hang_up",
                     .never_reply = request.path == "/never",
                     .cut_short = request.path == "/short"};
  });
  RawConnection hung_up{server.port()};
  hung_up.send(get("/hang_up"));
  EXPECT_EQ(hung_up.rest(), "");
  RawConnection cut{server.port()};
  cut.send(get("/short"));
  const std::string half = cut.rest();
  EXPECT_THAT(half, HasSubstr("Content-Length: 1000"));
  EXPECT_LT(half.size(), 1'000U);
  RawConnection silent{server.port()};
  silent.send(get("/never") + get("/right"));
  silent.end_sending();
  EXPECT_EQ(silent.rest(), "");
  EXPECT_GT(answer_to(server, get("/right")).size(), 1'000U);
}

TEST(http_server, makes_a_500_without_words_of_what_the_handler_throws) {
  const HttpServer server = served({}, [](const HttpRequest& request) -> HttpReply {
    if (request.path == "/throw") throw std::runtime_error("a secret");
    return echo(request);
  });
  RawConnection client{server.port()};
  client.send(get("/throw"));
  const std::string reply = client.reply();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(reply, Not(HasSubstr("secret")));
  client.send(get("/on"));
  EXPECT_THAT(client.reply(), HasSubstr("GET /on"));
}

TEST(http_server, lets_no_value_of_a_header_add_another_header) {
  const HttpServer server = served({}, [](const HttpRequest&) {
    return HttpReply{.headers = {{"X-A", "1\r\nX-B: 2"}}};
  });
  EXPECT_THAT(answer_to(server, get("/")), Not(HasSubstr("\nX-B")));
}

TEST(http_server, that_stops_answers_what_it_was_asked_and_takes_nothing_new) {
  Gate gate;
  std::promise<void> begun;
  HttpServer server = served({}, [&](const HttpRequest& request) {
    begun.set_value();
    gate.pass();
    return echo(request);
  });
  RawConnection asking{server.port()};
  RawConnection idle{server.port()};
  asking.send(get("/asked"));
  begun.get_future().wait();
  std::thread stopping{[&server] { server.stop(minutes(5)); }};
  EXPECT_EQ(idle.rest(), "");  // Closed at once: nothing is owed to it.
  EXPECT_FALSE(RawConnection{server.port()}.is_open());
  gate.open();
  const std::string reply = asking.rest();
  EXPECT_THAT(reply, HasSubstr("GET /asked"));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
  stopping.join();
}

TEST(http_server, that_stops_without_patience_cuts_what_is_not_answered) {
  std::promise<void> begun;
  HttpServer server = served({}, [&](const HttpRequest&) {
    begun.set_value();
    return HttpReply{.delay = minutes(10)};
  });
  RawConnection asking{server.port()};
  asking.send(get("/"));
  begun.get_future().wait();
  server.stop(milliseconds(1));
  EXPECT_EQ(asking.rest(), "");
  RawConnection late{server.port()};
  EXPECT_FALSE(late.is_open());
  server.stop(minutes(10));  // Once more is no harm.
}

TEST(http_server, that_stops_does_not_wait_for_clients_that_will_get_no_reply) {
  std::promise<void> begun;
  HttpServer server = served({}, [&](const HttpRequest&) {
    begun.set_value();
    return HttpReply{.never_reply = true};
  });
  RawConnection asking{server.port()};
  asking.send(get("/"));
  begun.get_future().wait();
  server.stop(minutes(10));
  EXPECT_EQ(asking.rest(), "");
}

TEST(http_server, says_why_it_cannot_listen) {
  const HttpServer server = served({}, echo);
  const Result<HttpServer> second = HttpServer::start({.port = server.port()}, echo);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().where, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_THAT(second.error().what, HasSubstr("in use"));
  const Result<HttpServer> nowhere = HttpServer::start({.address = "nowhere"}, echo);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().mend, HasSubstr("127.0.0.1"));
}

TEST(http_server, carries_many_connections_at_once) {
  const HttpServer server = served({}, echo);
  std::vector<std::unique_ptr<RawConnection>> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(std::make_unique<RawConnection>(server.port()));
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client->send(post("round " + std::to_string(round)));
    for (auto& client : clients) EXPECT_THAT(client->reply(), HasSubstr("round " + std::to_string(round)));
  }
}

}  // namespace
}  // namespace jobwatchdog::test
