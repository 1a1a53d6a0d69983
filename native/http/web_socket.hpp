/// Sockets of the HTTP server: a request may ask for one, and then both sides send texts whenever they like.
#pragma once

#include <memory>
#include <string>

namespace jobwatchdog {

/// Our end of a socket, for whoever has something to send. Every member may be called on any thread, also
/// when the client has gone.
class SocketSender {
 public:
  virtual ~SocketSender() = default;
  /// Queues a text. A client that does not read loses the socket once too much waits for it.
  virtual void send(std::shared_ptr<const std::string> text) = 0;
  /// Sends what is queued, then closes.
  virtual void close() = 0;
};

/// What hears the client. The server calls one member at a time, on its pool.
class SocketListener {
 public:
  virtual ~SocketListener() = default;
  virtual void opened(std::shared_ptr<SocketSender> sender) = 0;
  virtual void received(const std::string& text) = 0;
  virtual void gone() = 0;
};

}  // namespace jobwatchdog
