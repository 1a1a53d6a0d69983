// Reading and writing one socket.
#include "native/http/socket_session.hpp"

#include <boost/asio/experimental/as_tuple.hpp>
#include <chrono>

#include "native/log.hpp"

namespace jobwatchdog {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

constexpr auto as_values = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t message_size_max = 262'144;
constexpr std::size_t queued_size_max = 1'048'576;
/// A client that says nothing for so long is asked by a ping, and dropped when it does not answer either.
constexpr std::chrono::seconds idle_timeout{60};
constexpr std::chrono::seconds handshake_timeout{10};

/// Runs on the pool.
asio::awaitable<void> told(const std::function<void()>& tell) {
  try {
    tell();
  } catch (const std::exception& error) {
    log(LogLevel::error, "a message of a socket could not be handled", {{"why", error.what()}});
  }
  co_return;
}

}  // namespace

asio::awaitable<void> SocketSession::run(beast::http::request<beast::http::string_body> request,
                                         std::shared_ptr<SocketListener> listener) {
  websocket::stream_base::timeout timeout{handshake_timeout, idle_timeout, true};
  socket_.set_option(timeout);
  socket_.read_message_max(message_size_max);
  auto [error] = co_await socket_.async_accept(request, as_values);
  if (error) co_return;
  has_writer_ = true;
  asio::co_spawn(
      context_, [self = shared_from_this()] { return self->write_all(); }, asio::detached);
  const std::shared_ptr<SocketSender> sender = shared_from_this();
  const std::function<void()> open = [&] { listener->opened(sender); };
  co_await asio::co_spawn(pool_, told(open), asio::use_awaitable);
  co_await read_all(*listener);
  is_open_ = false;
  work_.cancel();
  while (has_writer_) {
    written_.expires_at(asio::steady_timer::time_point::max());
    co_await written_.async_wait(as_values);
  }
  const std::function<void()> end = [&] { listener->gone(); };
  co_await asio::co_spawn(pool_, told(end), asio::use_awaitable);
}

asio::awaitable<void> SocketSession::read_all(SocketListener& listener) {
  for (;;) {
    beast::flat_buffer buffer;
    auto [error, size] = co_await socket_.async_read(buffer, as_values);
    if (error || !socket_.got_text()) co_return;
    const std::string text = beast::buffers_to_string(buffer.data());
    const std::function<void()> receive = [&] { listener.received(text); };
    co_await asio::co_spawn(pool_, told(receive), asio::use_awaitable);
  }
}

asio::awaitable<void> SocketSession::write_all() {
  const auto self = shared_from_this();
  while (is_open_) {
    if (queue_.empty()) {
      if (is_closing_) break;
      work_.expires_at(asio::steady_timer::time_point::max());
      co_await work_.async_wait(as_values);
      continue;
    }
    const std::shared_ptr<const std::string> text = std::move(queue_.front());
    queue_.pop_front();
    queued_size_ -= text->size();
    socket_.text(true);
    auto [error, size] = co_await socket_.async_write(asio::buffer(*text), as_values);
    if (error) break;
  }
  if (is_open_ && is_closing_) (void)co_await socket_.async_close(websocket::close_code::normal, as_values);
  has_writer_ = false;
  written_.cancel();
}

void SocketSession::send(std::shared_ptr<const std::string> text) {
  asio::post(context_, [self = shared_from_this(), text = std::move(text)]() mutable {
    if (!self->is_open_ || self->is_closing_) return;
    self->queued_size_ += text->size();
    self->queue_.push_back(std::move(text));
    if (self->queued_size_ > queued_size_max) {  // It does not read.
      self->is_open_ = false;
      beast::get_lowest_layer(self->socket_).cancel();
    }
    self->work_.cancel();
  });
}

void SocketSession::close() {
  asio::post(context_, [self = shared_from_this()] {
    self->is_closing_ = true;
    self->work_.cancel();
  });
}

}  // namespace jobwatchdog
