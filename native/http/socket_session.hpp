/// One socket of the HTTP server, on Boost.Beast. Only the server's own files include this.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <memory>
#include <string>

#include "native/http/web_socket.hpp"

namespace jobwatchdog {

/// Runs on the one thread of its context; the listener is called on the pool.
class SocketSession final : public SocketSender, public std::enable_shared_from_this<SocketSession> {
 public:
  SocketSession(boost::asio::io_context& context, boost::asio::thread_pool& pool,
                boost::beast::tcp_stream& stream)
      : context_(context), pool_(pool), socket_(stream) {}

  /// From the handshake to the end of the connection.
  boost::asio::awaitable<void> run(boost::beast::http::request<boost::beast::http::string_body> request,
                                   std::shared_ptr<SocketListener> listener);

  void send(std::shared_ptr<const std::string> text) override;
  void close() override;

 private:
  boost::asio::awaitable<void> read_all(SocketListener& listener);
  boost::asio::awaitable<void> write_all();

  boost::asio::io_context& context_;
  boost::asio::thread_pool& pool_;
  boost::beast::websocket::stream<boost::beast::tcp_stream&> socket_;
  boost::asio::steady_timer work_{context_};     ///< Cancelled when there is something to write, or no more.
  boost::asio::steady_timer written_{context_};  ///< Cancelled when the writer has ended.
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::size_t queued_size_{0};
  bool is_closing_{false};
  bool is_open_{true};
  bool has_writer_{false};
};

}  // namespace jobwatchdog
