/// A small HTTP/1.1 server: requests come in whole, a handler answers them on a pool of threads.
///
/// The header behind which Beast is used. Limits come first: header and body have a size, a request a time,
/// connections a number, so that a slow or endless client costs nothing but itself.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "core/problem.hpp"
#include "core/time.hpp"
#include "native/bell.hpp"

namespace jobwatchdog {

struct HttpRequest {
  std::string method;
  std::string path;                            ///< Before the "?", as sent.
  std::string query;                           ///< Behind the "?", as sent; "" without one.
  std::map<std::string, std::string> headers;  ///< Names in small letters.
  std::string body;
  std::string peer;  ///< The client's address, without its port.
  /// Instead of `body` when it was let in by `admit_large_body`, and what it was let in by.
  std::shared_ptr<const std::string> large_body{};
  std::shared_ptr<void> place{};
};

struct HttpReply {
  int status{200};
  std::map<std::string, std::string> headers{};
  std::string body{};
  std::shared_ptr<const std::string> file{};  ///< Set: sent instead of `body`, and never copied.
  Duration delay{};                           ///< The reply is sent so much later; no thread waits for it.
  bool hang_up{false};      ///< No reply at all: the connection is cut (an emulator's fault).
  bool never_reply{false};  ///< No reply at all: the connection stays open until the client goes.
  bool cut_short{false};    ///< Half of the reply, then the connection is cut.

  /// Set: this is no reply yet. It is asked for when `waits_for` rings, or after `waits_at_most`; no thread
  /// waits for it.
  std::function<HttpReply()> then{};
  std::shared_ptr<Bell> waits_for{};
  Duration waits_at_most{};
};

/// Leave to send a body beyond `body_size_max`.
struct LargeBodyPermit {
  std::size_t size_max{0};      ///< In bytes.
  Duration timeout{};           ///< Of the body.
  std::shared_ptr<void> place;  ///< Let go when the request has been answered.
};

/// Asked, on the pool, before a large body of that many bytes is read: by the head of its request.
using LargeBodyDoor =
    std::function<std::variant<LargeBodyPermit, HttpReply>(const HttpRequest& head, std::size_t size)>;

struct HttpServerOptions {
  std::string address{"127.0.0.1"};
  int port{0};  ///< 0 = any free one; port() tells which.
  int thread_count{4};
  std::size_t header_size_max{16'384};
  std::size_t body_size_max{262'144};
  std::size_t connections_max{1'024};              ///< Beyond it the idlest one makes room, or new ones wait.
  std::size_t connections_per_address_max{1'024};  ///< A further one is closed at once.
  /// Whose connections are those of many clients, so that they are not counted: a reverse proxy.
  std::function<bool(const std::string& address)> is_proxy{};
  Duration request_timeout{seconds(10)};  ///< From the first byte of a request to its last.
  Duration idle_timeout{seconds(60)};     ///< Of a connection between two requests.
  LargeBodyDoor admit_large_body{};  ///< Without it bodies beyond `body_size_max` get 413; so do those that
                                     ///< do not tell their length.
};

/// Answers one request; called on several threads at once. What it throws becomes a 500 without words.
using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

class SocketListener;
/// Who listens at the socket that a request asks for, or why there is none. See web_socket.hpp.
using SocketAnswer = std::variant<std::shared_ptr<SocketListener>, HttpReply>;
using SocketHandler = std::function<SocketAnswer(const HttpRequest&)>;

class HttpServer {
 public:
  /// Listens and serves on threads of its own until it is stopped. Without `sockets` a request for one is
  /// handled like any other. Problem: the address cannot be had.
  [[nodiscard]] static Result<HttpServer> start(const HttpServerOptions& options, HttpHandler handler,
                                                SocketHandler sockets = {});

  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  ~HttpServer();  ///< Stops at once.

  [[nodiscard]] int port() const;
  /// Takes no new connection, lets the requests at hand be answered for at most `patience`, and ends. A
  /// handler that runs is waited for in any case.
  void stop(Duration patience);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jobwatchdog
