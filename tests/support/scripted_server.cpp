// An HTTP server whose every byte a test decides: blocking sockets, one thread a connection.
#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace jobwatchdog::test {
namespace {

sockaddr* as_sockaddr(sockaddr_in& address) { return static_cast<sockaddr*>(static_cast<void*>(&address)); }

/// The length that the head of a request declares.
std::size_t declared_length(const std::string& head) {
  const std::size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : static_cast<std::size_t>(std::atoll(head.c_str() + at + 16));
}

/// One request from what has come, which keeps the rest; "" when the client has gone before its end.
std::string read_request(int socket, std::string& come) {
  while (true) {
    const std::size_t head_end = come.find("\r\n\r\n");
    if (head_end != std::string::npos) {
      const std::size_t size = head_end + 4 + declared_length(come.substr(0, head_end + 2));
      if (come.size() >= size) {
        const std::string request = come.substr(0, size);
        come.erase(0, size);
        return request;
      }
    }
    std::array<char, 65536> buffer{};
    const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
    if (count <= 0) return "";
    come.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void write_all(int socket, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t count = send(socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (count <= 0) return;
    at += static_cast<std::size_t>(count);
  }
}

}  // namespace

ScriptedReply http_reply(int status, const std::string& body, const std::string& header_lines) {
  return {"HTTP/1.1 " + std::to_string(status) + " As told\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n" + header_lines + "\r\n" + body};
}

ScriptedServer::ScriptedServer(std::function<ScriptedReply(const std::string&)> answer)
    : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, as_sockaddr(address), size) != 0 || listen(listener_, 1024) != 0 ||
      getsockname(listener_, as_sockaddr(address), &size) != 0)
    throw std::runtime_error{"no port on 127.0.0.1"};
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
  close_connections();
  for (std::thread& thread : threads_) thread.join();
}

std::string ScriptedServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

void ScriptedServer::wait_for_requests(std::size_t count) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return requests_.size() >= count; });
}

void ScriptedServer::close_connections() {
  std::unique_lock lock{mutex_};
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  changed_.wait(lock, [this] { return sockets_.empty(); });
}

void ScriptedServer::serve() {
  while (true) {
    const int socket = accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    ++connection_count_;
    const std::lock_guard lock{mutex_};
    sockets_.insert(socket);
    threads_.emplace_back([this, socket] { serve_connection(socket); });
  }
}

ScriptedReply ScriptedServer::answer_to(const std::string& request) {
  const std::lock_guard lock{mutex_};
  requests_.push_back(request);
  changed_.notify_all();
  return answer_(request);
}

void ScriptedServer::serve_connection(int socket) {
  std::string come;
  for (std::string request; !(request = read_request(socket, come)).empty();) {
    const ScriptedReply reply = answer_to(request);
    write_all(socket, reply.bytes);
    if (reply.waits_for_end) static_cast<void>(read_request(socket, come));
    if (reply.closes || reply.waits_for_end) break;
  }
  const std::lock_guard lock{mutex_};
  sockets_.erase(socket);
  close(socket);
  changed_.notify_all();
}

}  // namespace jobwatchdog::test
