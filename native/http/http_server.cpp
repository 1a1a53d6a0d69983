// The HTTP server on Boost.Beast: one thread for all sockets and timers, a pool of threads for the handler.
#include "native/http/http_server.hpp"

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <future>
#include <limits>
#include <list>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "native/http/socket_session.hpp"
#include "native/http/wire.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

/// Operations give their error as a value.
constexpr auto as_values = asio::experimental::as_tuple(asio::use_awaitable);

/// For how long the rest of a refused request is read away, so that the client sees why before the cut.
constexpr Duration farewell_timeout = seconds(2);
constexpr std::size_t farewell_size_max = 1'048'576;

/// What is read at once of a body; the buffer of a connection never holds more beside a header.
constexpr std::size_t read_size_max = 65'536;

std::chrono::milliseconds chrono_of(Duration duration) { return std::chrono::milliseconds{duration.ms}; }

struct Connection {
  explicit Connection(tcp::socket socket, const HttpServerOptions& options)
      : stream(std::move(socket)), buffer(options.header_size_max + read_size_max) {}

  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  std::string peer;
  std::optional<std::list<Connection*>::iterator> idle_place;  ///< Where it stands among the idle ones.
};

/// Runs on the pool.
asio::awaitable<HttpReply> answered(const std::function<HttpReply()>& answer) {
  try {
    co_return answer();
  } catch (const std::exception& error) {
    log(LogLevel::error, "a request could not be handled", {{"why", error.what()}});
  }
  co_return HttpReply{.status = 500};
}

/// All but the constructor, `begin` and `end` runs on the one thread of `context_`.
class Server {
 public:
  Server(HttpServerOptions options, HttpHandler handler, SocketHandler sockets)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        sockets_(std::move(sockets)),
        pool_(static_cast<std::size_t>(options_.thread_count)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { end(Duration{0}); }

  std::optional<Problem> begin();
  void end(Duration patience);
  [[nodiscard]] int port() const { return port_; }

 private:
  using Shared = std::shared_ptr<Connection>;

  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(Shared connection);
  [[nodiscard]] bool may_enter(const std::string& address);
  void leave(const std::string& address);
  asio::awaitable<bool> serve_one(Connection& connection);
  asio::awaitable<HttpReply> answer(const HttpRequest& request);
  asio::awaitable<std::optional<HttpReply>> serve_socket(Connection& connection,
                                                         RequestParser::value_type message);
  asio::awaitable<bool> has_begun(Connection& connection);
  asio::awaitable<std::optional<int>> read_head(Connection& connection, RequestParser& parser);
  asio::awaitable<std::optional<int>> read_body(Connection& connection, RequestParser& parser,
                                                Duration timeout);
  asio::awaitable<std::variant<LargeBodyPermit, HttpReply>> admit(Connection& connection,
                                                                  const RequestParser& parser,
                                                                  std::size_t size);
  asio::awaitable<bool> send(Connection& connection, std::string_view text);
  asio::awaitable<bool> send_reply(Connection& connection, const HttpReply& reply, bool is_head,
                                   bool keep_alive);
  asio::awaitable<void> refuse(Connection& connection, const HttpReply& reply, std::size_t farewell_size);
  asio::awaitable<void> read_away(Connection& connection, std::size_t size_max);
  void begin_idleness(Connection& connection);
  void end_idleness(Connection& connection);
  bool close_idlest();
  void tell_when_empty();

  HttpServerOptions options_;
  HttpHandler handler_;
  SocketHandler sockets_;
  asio::io_context context_{1};
  asio::thread_pool pool_;
  tcp::acceptor acceptor_{context_};
  asio::steady_timer room_{context_};  ///< Cancelled when a connection ends or could make room.
  std::set<Shared> connections_;
  std::map<std::string, std::size_t> counts_by_address_;
  std::set<std::shared_ptr<SocketSession>> open_sockets_;
  std::list<Connection*> idle_;  ///< Nothing is owed to them; the one that waits longest is first.
  bool ends_{false};
  std::promise<void> empty_;
  bool told_empty_{false};
  int port_{0};
  std::thread thread_;
};

std::optional<Problem> Server::begin() {
  const std::string where = options_.address + ":" + std::to_string(options_.port);
  ErrorCode error;
  const auto address = asio::ip::make_address(options_.address, error);
  if (error)
    return Problem{where, "\"" + options_.address + "\" is not the address of a network interface",
                   "write one in numbers, such as 127.0.0.1 or ::1"};
  const tcp::endpoint endpoint{address, static_cast<asio::ip::port_type>(options_.port)};
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return Problem{where, "cannot listen there: " + error.message(),
                   "stop who listens there already, or choose another port"};
  port_ = acceptor_.local_endpoint().port();
  asio::co_spawn(context_, accept_all(), asio::detached);
  thread_ = std::thread{[this] { context_.run(); }};
  return std::nullopt;
}

void Server::end(Duration patience) {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    ends_ = true;
    acceptor_.close();
    room_.cancel();
    while (close_idlest()) {
    }
    for (const auto& socket : open_sockets_) socket->close();
    tell_when_empty();
  });
  empty_.get_future().wait_for(chrono_of(patience));
  context_.stop();
  thread_.join();
  ErrorCode ignored;
  acceptor_.close(ignored);
  for (const Shared& connection : connections_) connection->stream.socket().close(ignored);
  open_sockets_.clear();
  pool_.stop();  // What has not begun never will; what runs is waited for.
  pool_.join();
}

/// Beyond `connections_max` the connection that has been idle longest makes room; where all are busy, the new
/// one waits.
asio::awaitable<void> Server::accept_all() {
  while (!ends_) {
    auto [error, socket] = co_await acceptor_.async_accept(as_values);
    while (!error && !ends_ && connections_.size() >= options_.connections_max) {
      close_idlest();
      room_.expires_at(asio::steady_timer::time_point::max());
      co_await room_.async_wait(as_values);
    }
    if (ends_) co_return;
    if (error) {  // Out of file descriptors, most likely: not at once again.
      room_.expires_after(std::chrono::milliseconds{100});
      co_await room_.async_wait(as_values);
      continue;
    }
    auto connection = std::make_shared<Connection>(std::move(socket), options_);
    connections_.insert(connection);
    asio::co_spawn(context_, serve(std::move(connection)), asio::detached);
  }
}

asio::awaitable<void> Server::serve(Shared connection) {
  ErrorCode ignored;
  connection->stream.socket().set_option(tcp::no_delay(true), ignored);
  const tcp::endpoint peer = connection->stream.socket().remote_endpoint(ignored);
  connection->peer = peer.address().to_string();
  if (may_enter(connection->peer)) {
    while (co_await serve_one(*connection)) {
    }
  }
  connection->stream.close();
  leave(connection->peer);
  connections_.erase(connection);
  room_.cancel();
  if (ends_) tell_when_empty();
}

/// Counts a connection of the address; false when it has too many.
bool Server::may_enter(const std::string& address) {
  const std::size_t count = ++counts_by_address_[address];
  return count <= options_.connections_per_address_max || (options_.is_proxy && options_.is_proxy(address));
}

void Server::leave(const std::string& address) {
  const auto place = counts_by_address_.find(address);
  if (--place->second == 0) counts_by_address_.erase(place);
}

/// Whether another request may follow.
asio::awaitable<bool> Server::serve_one(Connection& connection) {
  if (!co_await has_begun(connection)) co_return false;
  RequestParser parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.header_size_max));
  std::optional<int> status = co_await read_head(connection, parser);
  LargeBodyPermit permit{.size_max = options_.body_size_max, .timeout = {}, .place = nullptr};
  const std::size_t announced_size = status ? 0 : parser.content_length().value_or(0);
  const bool is_large = announced_size > options_.body_size_max;
  if (is_large && options_.admit_large_body) {
    std::variant<LargeBodyPermit, HttpReply> admission = co_await admit(connection, parser, announced_size);
    if (const auto* turned_away = std::get_if<HttpReply>(&admission)) {
      co_await refuse(connection, *turned_away, announced_size);
      co_return false;
    }
    permit = std::get<LargeBodyPermit>(std::move(admission));
  }
  if (announced_size > permit.size_max) status = 413;
  parser.body_limit(permit.size_max);
  if (!status) status = co_await read_body(connection, parser, permit.timeout);
  if (status) {
    if (*status != 0) co_await refuse(connection, refusal_to_read(*status), farewell_size_max);
    co_return false;
  }
  const bool wants_more = parser.keep_alive();
  if (sockets_ && beast::websocket::is_upgrade(parser.get())) {
    const std::optional<HttpReply> refusal = co_await serve_socket(connection, parser.release());
    if (refusal) co_await send(connection, wire_text(*refusal, false, false));
    co_return false;
  }
  HttpRequest request = request_of(parser.release(), connection.peer);
  if (is_large) request.large_body = std::make_shared<const std::string>(std::exchange(request.body, ""));
  request.place = std::move(permit.place);
  const HttpReply reply = co_await answer(request);
  if (reply.delay > Duration{0}) {
    asio::steady_timer timer{context_, chrono_of(reply.delay)};
    co_await timer.async_wait(as_values);
  }
  if (reply.hang_up || (reply.never_reply && ends_)) co_return false;
  if (reply.never_reply) {
    connection.stream.expires_never();
    begin_idleness(connection);
    co_await read_away(connection, std::numeric_limits<std::size_t>::max());
    end_idleness(connection);
    co_return false;
  }
  const bool keep_alive = wants_more && !ends_ && !reply.cut_short;
  co_return co_await send_reply(connection, reply, request.method == "HEAD", keep_alive) && keep_alive;
}

asio::awaitable<HttpReply> Server::answer(const HttpRequest& request) {
  const std::function<HttpReply()> ask = [&] { return handler_(request); };
  HttpReply reply = co_await asio::co_spawn(pool_, answered(ask), asio::use_awaitable);
  while (reply.then) {
    const auto rung = std::make_shared<asio::steady_timer>(context_, chrono_of(reply.waits_at_most));
    if (reply.waits_for)
      reply.waits_for->listen(
          [&context = context_, rung] { asio::post(context, [rung] { rung->cancel(); }); });
    co_await rung->async_wait(as_values);
    const std::function<HttpReply()> then = std::move(reply.then);
    reply = co_await asio::co_spawn(pool_, answered(then), asio::use_awaitable);
  }
  co_return reply;
}

/// Until the socket ends; gives the reply when there is none for this request.
asio::awaitable<std::optional<HttpReply>> Server::serve_socket(Connection& connection,
                                                               RequestParser::value_type message) {
  const HttpRequest request = request_of(message, connection.peer);
  SocketAnswer answer{HttpReply{.status = 500}};
  const std::function<HttpReply()> ask = [&] {
    answer = sockets_(request);
    return HttpReply{};
  };
  co_await asio::co_spawn(pool_, answered(ask), asio::use_awaitable);
  if (const auto* refusal = std::get_if<HttpReply>(&answer)) co_return *refusal;
  auto session = std::make_shared<SocketSession>(context_, pool_, connection.stream);
  connection.stream.expires_never();
  open_sockets_.insert(session);
  co_await session->run(std::move(message), std::get<std::shared_ptr<SocketListener>>(answer));
  open_sockets_.erase(session);
  co_return std::nullopt;
}

/// Waits for the first byte of a request; false: none came.
asio::awaitable<bool> Server::has_begun(Connection& connection) {
  ErrorCode failed;
  if (connection.buffer.size() == 0) {
    if (ends_) co_return false;
    begin_idleness(connection);
    connection.stream.expires_after(chrono_of(options_.idle_timeout));
    auto [error, count] =
        co_await connection.stream.async_read_some(connection.buffer.prepare(read_size_max / 16), as_values);
    connection.buffer.commit(count);
    end_idleness(connection);
    failed = error;
  }
  connection.stream.expires_after(chrono_of(options_.request_timeout));
  co_return !failed;
}

/// Gives the status to refuse the request with, or 0 when the client has gone or is too slow. Beast compares
/// the announced length with the limit when it sees the header, so the limit is set after it.
asio::awaitable<std::optional<int>> Server::read_head(Connection& connection, RequestParser& parser) {
  parser.body_limit(boost::none);
  auto [header_error, header_size] =
      co_await http::async_read_header(connection.stream, connection.buffer, parser, as_values);
  if (header_error) co_return status_of(header_error).value_or(0);
  if (has_ambiguous_length(parser.get())) co_return 400;
  co_return std::nullopt;
}

/// As read_head. `timeout` begins now; 0: the request's goes on.
asio::awaitable<std::optional<int>> Server::read_body(Connection& connection, RequestParser& parser,
                                                      Duration timeout) {
  if (beast::iequals(parser.get()[http::field::expect], "100-continue") &&
      !co_await send(connection, "HTTP/1.1 100 Continue\r\n\r\n"))
    co_return 0;
  if (parser.is_done()) co_return std::nullopt;
  if (timeout > Duration{0}) connection.stream.expires_after(chrono_of(timeout));
  auto [body_error, body_size] =
      co_await http::async_read(connection.stream, connection.buffer, parser, as_values);
  if (body_error) co_return status_of(body_error).value_or(0);
  co_return std::nullopt;
}

/// Whether this large body may come, and how large it may be.
asio::awaitable<std::variant<LargeBodyPermit, HttpReply>> Server::admit(Connection& connection,
                                                                        const RequestParser& parser,
                                                                        std::size_t size) {
  std::variant<LargeBodyPermit, HttpReply> admission = HttpReply{.status = 500};
  const HttpRequest head = request_of(parser.get(), connection.peer);
  const std::function<HttpReply()> ask = [&] {
    admission = options_.admit_large_body(head, size);
    return HttpReply{};
  };
  co_await asio::co_spawn(pool_, answered(ask), asio::use_awaitable);
  co_return admission;
}

asio::awaitable<bool> Server::send(Connection& connection, std::string_view text) {
  connection.stream.expires_after(chrono_of(options_.request_timeout));
  auto [error, count] =
      co_await asio::async_write(connection.stream, asio::buffer(text.data(), text.size()), as_values);
  co_return !error;
}

/// A file goes in pieces, each of which has the time of a request: a large one may take long, but never
/// stands still.
asio::awaitable<bool> Server::send_reply(Connection& connection, const HttpReply& reply, bool is_head,
                                         bool keep_alive) {
  const std::string text = wire_text(reply, is_head, keep_alive);
  if (!co_await send(connection, text)) co_return false;
  std::string_view rest = reply.file && !is_head ? std::string_view{*reply.file} : std::string_view{};
  while (!rest.empty()) {
    if (!co_await send(connection, rest.substr(0, read_size_max))) co_return false;
    rest.remove_prefix(std::min(rest.size(), read_size_max));
  }
  co_return true;
}

/// What the client still sends is read away for a moment, so that it sees why before the cut.
asio::awaitable<void> Server::refuse(Connection& connection, const HttpReply& reply,
                                     std::size_t farewell_size) {
  if (!co_await send_reply(connection, reply, false, false)) co_return;
  ErrorCode ignored;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  connection.stream.expires_after(chrono_of(farewell_timeout));
  co_await read_away(connection, farewell_size);
}

/// Until the client goes, the time is up, or so many bytes came.
asio::awaitable<void> Server::read_away(Connection& connection, std::size_t size_max) {
  connection.buffer.clear();
  for (std::size_t size = 0; size < size_max;) {
    auto [error, count] =
        co_await connection.stream.async_read_some(connection.buffer.prepare(read_size_max), as_values);
    if (error) co_return;
    size += count;
  }
}

void Server::begin_idleness(Connection& connection) {
  connection.idle_place = idle_.insert(idle_.end(), &connection);
  room_.cancel();  // Somebody may wait for its place.
}

void Server::end_idleness(Connection& connection) {
  if (connection.idle_place) idle_.erase(*std::exchange(connection.idle_place, std::nullopt));
}

/// Its coroutine then ends by itself.
bool Server::close_idlest() {
  if (idle_.empty()) return false;
  Connection* idlest = idle_.front();
  idle_.pop_front();
  idlest->idle_place.reset();
  idlest->stream.cancel();
  return true;
}

void Server::tell_when_empty() {
  if (connections_.empty() && !std::exchange(told_empty_, true)) empty_.set_value();
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& options, HttpHandler handler, SocketHandler sockets)
      : server(options, std::move(handler), std::move(sockets)) {}

  Server server;
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

Result<HttpServer> HttpServer::start(const HttpServerOptions& options, HttpHandler handler,
                                     SocketHandler sockets) {
  auto state = std::make_unique<State>(options, std::move(handler), std::move(sockets));
  if (auto problem = state->server.begin()) return *problem;
  return HttpServer{std::move(state)};
}

int HttpServer::port() const { return state_->server.port(); }
void HttpServer::stop(Duration patience) { state_->server.end(patience); }

}  // namespace jobwatchdog
