// Sends requests over a number of connections, at a rate or as fast as they are answered, and tells how long
// each took. Run by script/bench serve; prints one line of JSON.
//
// Usage: http_load URL CONNECTIONS REQUESTS_PER_SECOND <LINES
// A line is a JSON list of requests {"method", "path", "headers", "body"} that one connection sends one after
// the other; in those behind the first, "$ID" stands for the id that the first reply bore. At a rate (0 =
// none) a line has its time, and what it waits for a free connection counts: a slow server does not slow the
// clock.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"

namespace jobwatchdog::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

struct Load {
  Target target;
  double per_second{0};
  std::vector<Json> lines;
  std::size_t next{0};
  Clock::time_point start;
  std::vector<double> took_ms;
  std::map<std::string, int> statuses;
};

http::request<http::string_body> request_of(const Json& step, const std::string& id) {
  http::request<http::string_body> request;
  request.method_string(step.at("method").get<std::string>());
  request.target(step.at("path").get<std::string>());
  request.set(http::field::host, "bench");
  for (const auto& [name, value] : step.at("headers").items()) request.set(name, value.get<std::string>());
  std::string body = step.at("body").get<std::string>();
  if (const std::size_t place = body.find("$ID"); place != std::string::npos) body.replace(place, 3, id);
  request.body() = std::move(body);
  request.prepare_payload();
  return request;
}

std::string id_of(const std::string& body) {
  const Json reply = Json::parse(body, nullptr, false);
  const Json& row = reply.is_array() && !reply.empty() ? reply[0] : reply;
  return row.is_object() && row.contains("id") ? row["id"].get<std::string>() : "";
}

asio::awaitable<void> send_line(Load& load, beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                const Json& line, Clock::time_point since) {
  std::string id;
  for (const Json& step : line) {
    const auto request = request_of(step, id);
    co_await http::async_write(stream, request, asio::use_awaitable);
    http::response<http::string_body> reply;
    co_await http::async_read(stream, buffer, reply, asio::use_awaitable);
    ++load.statuses[std::to_string(reply.result_int())];
    if (id.empty()) id = id_of(reply.body());
    load.took_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - since).count());
    since = Clock::now();
  }
}

asio::awaitable<void> connection(Load& load) {
  const auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream{executor};
  beast::flat_buffer buffer;
  tcp::resolver resolver{executor};
  const auto found = co_await resolver.async_resolve(load.target.host, load.target.port, asio::use_awaitable);
  co_await stream.async_connect(found, asio::use_awaitable);
  stream.socket().set_option(tcp::no_delay(true));
  asio::steady_timer timer{executor};
  while (load.next < load.lines.size()) {
    const std::size_t index = load.next++;
    Clock::time_point since = Clock::now();
    if (load.per_second > 0) {
      since = load.start + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(static_cast<double>(index) / load.per_second));
      timer.expires_at(since);
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_await send_line(load, stream, buffer, load.lines[index], since);
  }
}

int run(const std::string& url, int connection_count, double per_second) {
  Load load;
  load.target = target_of(url);
  load.per_second = per_second;
  for (std::string line; std::getline(std::cin, line);) load.lines.push_back(Json::parse(line));
  asio::io_context context{1};
  std::string failed;
  load.start = Clock::now();
  for (int i = 0; i < connection_count; ++i) {
    asio::co_spawn(context, connection(load), [&failed](const std::exception_ptr& error) {
      try {
        if (error) std::rethrow_exception(error);
      } catch (const std::exception& why) {
        failed = why.what();
      }
    });
  }
  context.run();
  if (!failed.empty()) {
    std::cerr << "http_load: a connection broke: " << failed << "\n";
    return 1;
  }
  const double took_s = std::chrono::duration<double>(Clock::now() - load.start).count();
  Json told{{"requests", load.took_ms.size()},
            {"per_second", std::round(static_cast<double>(load.took_ms.size()) / took_s)},
            {"seconds", std::round(took_s * 100) / 100},
            {"statuses", load.statuses}};
  told.update(told_times(load.took_ms));
  std::cout << told << "\n";
  return 0;
}

}  // namespace
}  // namespace jobwatchdog::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: http_load URL CONNECTIONS REQUESTS_PER_SECOND <LINES\n";
    return 2;
  }
  return jobwatchdog::bench::run(argv[1], std::stoi(argv[2]), std::stod(argv[3]));
}
