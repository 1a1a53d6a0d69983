// A proxy before PostgreSQL that swallows one answer to COMMIT.
#include "tests/support/commit_swallowing_proxy.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace jobwatchdog::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

/// Reads what is there and gives it; "" when the other side has closed.
std::string read_some(int socket) {
  std::array<char, 65536> buffer{};
  const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
  return count > 0 ? std::string{buffer.data(), static_cast<std::size_t>(count)} : "";
}

bool write_all(int socket, const std::string& bytes) {
  return send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

CommitSwallowingProxy::CommitSwallowingProxy(int server_port) : server_port_(server_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(listener_, as_sockaddr(address), sizeof address) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, static_cast<sockaddr*>(static_cast<void*>(&address)), &length) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

CommitSwallowingProxy::~CommitSwallowingProxy() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void CommitSwallowingProxy::serve() {
  std::vector<std::thread> passing;
  for (int client = 0; (client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    passing.emplace_back([this, client] { pass_on(client); });
  }
  for (std::thread& thread : passing) thread.join();
}

void CommitSwallowingProxy::pass_on(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port_);
  bool open = connect(server, as_sockaddr(address), sizeof address) == 0;
  if (!open)
    shutdown(listener_, SHUT_RDWR);  // As dead as its server, so that libpq goes on to the next host.
  bool is_armed = false;
  while (open) {
    std::array<pollfd, 2> fds{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) {
      const std::string bytes = read_some(client);
      is_armed = is_armed || bytes.find("pg_current_xact_id") != std::string::npos;
      open = !bytes.empty() && write_all(server, bytes);
      if (open && is_armed && bytes.find("COMMIT") != std::string::npos && !swallowed_.exchange(true)) {
        read_some(server);  // The answer: the server has committed.
        open = false;
      }
    } else if (fds[1].revents != 0) {
      const std::string bytes = read_some(server);
      open = !bytes.empty() && write_all(client, bytes);
    }
  }
  close(server);
  close(client);
}

}  // namespace jobwatchdog::test
