// Opens many Realtime sockets, joins each to one job, and tells how long after it was written a change came.
// Run by script/bench serve. Prints "joined N" when all have joined, and one line of JSON at the end.
//
// Usage: realtime_load URL API_KEY CHANGES SECONDS <LINES
// A line is "TABLE JOB_ID TOKEN". It ends after so many changes, or so many seconds after all have joined.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"

namespace jobwatchdog::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using Json = nlohmann::json;

constexpr int joining_at_once_max = 100;

struct Page {
  std::string table;
  std::string job_id;
  std::string token;
};

struct Load {
  Target target;
  std::string api_key;
  std::size_t change_count{0};
  std::vector<Page> pages;
  std::size_t next{0};
  std::size_t joined_count{0};
  std::vector<double> took_ms;
  asio::io_context context{1};
};

std::string join_text(const Page& page) {
  const Json change{
      {"event", "UPDATE"}, {"schema", "public"}, {"table", page.table}, {"filter", "id=eq." + page.job_id}};
  return Json{"1",
              "1",
              "realtime:" + page.job_id,
              "phx_join",
              {{"config", {{"postgres_changes", {change}}}}, {"access_token", page.token}}}
      .dump();
}

/// Since the change was written, by the clock that the database and this process share.
double age_ms(const std::string& written_at) {
  std::tm time{};
  const char* rest = strptime(written_at.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return -1;
  const double fraction = *rest == '.' ? std::stod(rest) : 0;
  const double written_s = static_cast<double>(timegm(&time)) + fraction;
  return (std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() -
          written_s) *
         1'000;
}

using Socket = websocket::stream<beast::tcp_stream>;

asio::awaitable<Json> next_message(Socket& socket) {
  beast::flat_buffer buffer;
  co_await socket.async_read(buffer, asio::use_awaitable);
  co_return Json::parse(beast::buffers_to_string(buffer.data()));
}

asio::awaitable<void> join(const Load& load, Socket& socket, const Page& page) {
  const auto address = asio::ip::make_address(load.target.host);
  co_await beast::get_lowest_layer(socket).async_connect(
      tcp::endpoint{address, static_cast<asio::ip::port_type>(std::stoi(load.target.port))},
      asio::use_awaitable);
  beast::get_lowest_layer(socket).expires_never();
  co_await socket.async_handshake(
      load.target.host, "/realtime/v1/websocket?apikey=" + load.api_key + "&vsn=2.0.0", asio::use_awaitable);
  const std::string text = join_text(page);
  co_await socket.async_write(asio::buffer(text), asio::use_awaitable);
  const Json reply = co_await next_message(socket);
  if (reply[4].value("status", "") != "ok") throw std::runtime_error("a join was refused: " + reply.dump());
}

asio::awaitable<void> hear(Load& load, std::shared_ptr<Socket> socket) {
  for (;;) {
    const Json message = co_await next_message(*socket);
    if (message[3] != "postgres_changes" || load.joined_count < load.pages.size()) continue;
    load.took_ms.push_back(age_ms(message[4]["data"]["record"]["updated_at"].get<std::string>()));
    if (load.took_ms.size() == load.change_count) load.context.stop();
  }
}

void give_up(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::exception& why) {
    std::cerr << "realtime_load: " << why.what() << "\n";
    std::_Exit(1);
  }
}

/// One of those that open sockets side by side.
asio::awaitable<void> join_pages(Load& load, int seconds) {
  while (load.next < load.pages.size()) {
    const Page& page = load.pages[load.next++];
    auto socket = std::make_shared<Socket>(load.context);
    co_await join(load, *socket, page);
    asio::co_spawn(load.context, hear(load, socket), give_up);
    if (++load.joined_count < load.pages.size()) continue;
    asio::steady_timer settled{load.context,
                               std::chrono::seconds{2}};  // What joins bring is read away first.
    co_await settled.async_wait(asio::use_awaitable);
    load.took_ms.clear();
    std::cout << "joined " << load.joined_count << std::endl;
    asio::steady_timer end{load.context, std::chrono::seconds{seconds}};
    co_await end.async_wait(asio::use_awaitable);
    load.context.stop();
  }
}

int run(const std::string& url, const std::string& api_key, std::size_t change_count, int seconds) {
  Load load;
  load.target = target_of(url);
  load.api_key = api_key;
  load.change_count = change_count;
  for (Page page; std::cin >> page.table >> page.job_id >> page.token;) load.pages.push_back(page);
  for (int i = 0; i < joining_at_once_max; ++i)
    asio::co_spawn(load.context, join_pages(load, seconds), give_up);
  load.context.run();
  Json told{{"sockets", load.joined_count}, {"changes", load.took_ms.size()}};
  told.update(told_times(load.took_ms));
  std::cout << told << std::endl;
  std::_Exit(0);  // Ten thousand sockets need no farewell.
}

}  // namespace
}  // namespace jobwatchdog::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: realtime_load URL API_KEY CHANGES SECONDS <LINES\n";
    return 2;
  }
  return jobwatchdog::bench::run(argv[1], argv[2], std::stoul(argv[3]), std::stoi(argv[4]));
}
