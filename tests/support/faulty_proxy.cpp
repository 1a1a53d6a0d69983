// A proxy before PostgreSQL that breaks connections by a plan.
#include "tests/support/faulty_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
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

/// One connection of a client, from its first byte to the end or to a fault.
class Passage {
 public:
  Passage(const FaultPlan& plan, int client, int server) : plan_(plan), client_(client), server_(server) {}

  void run() {
    while (open_) {
      std::array<pollfd, 2> fds{{{client_, POLLIN, 0}, {server_, POLLIN, 0}}};
      poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0) {
        pass_request(read_some(client_));
      } else if (fds[1].revents != 0) {
        pass_answer(read_some(server_));
      }
    }
  }

 private:
  void pass_request(const std::string& bytes) {
    if (bytes.empty()) {
      open_ = false;
    } else if (is_place(bytes) && !struck_ && plan_.strikes()) {
      strike(bytes);
    } else {
      open_ = write_all(server_, bytes);
    }
  }

  void pass_answer(const std::string& bytes) {
    open_ = !bytes.empty() && (struck_ || write_all(client_, bytes));
  }

  bool is_place(const std::string& bytes) {
    settles_batch_ = settles_batch_ || bytes.find("pg_current_xact_id") != std::string::npos;
    if (plan_.phase == FaultPhase::before_request || plan_.phase == FaultPhase::within_answer) return true;
    if (!settles_batch_ || bytes.find("COMMIT") == std::string::npos) return false;
    settles_batch_ = false;
    return true;
  }

  void strike(const std::string& bytes) {
    const bool reaches_server =
        plan_.phase != FaultPhase::before_request && plan_.phase != FaultPhase::before_commit;
    if (reaches_server) write_all(server_, bytes);
    if (plan_.phase == FaultPhase::answer_to_commit) read_some(server_);
    if (plan_.phase == FaultPhase::within_answer) {
      const std::string answer = read_some(server_);
      write_all(client_, answer.substr(0, answer.size() / 2));
    }
    break_off();
  }

  void break_off() {
    struck_ = true;
    if (plan_.manner == FaultManner::half) {
      shutdown(client_, SHUT_WR);
      return;
    }
    if (plan_.manner == FaultManner::reset) {
      const linger at_once{1, 0};
      setsockopt(client_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    open_ = false;
  }

  const FaultPlan& plan_;
  int client_;
  int server_;
  bool open_{true};
  bool struck_{false};
  bool settles_batch_{false};
};

}  // namespace

FaultyProxy::FaultyProxy(int server_port, FaultPlan plan)
    : server_port_(server_port), plan_(std::move(plan)) {
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

FaultyProxy::~FaultyProxy() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

void FaultyProxy::serve() {
  std::vector<std::thread> passing;
  for (int client = 0; (client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    passing.emplace_back([this, client] { pass_on(client); });
  }
  for (std::thread& thread : passing) thread.join();
}

void FaultyProxy::pass_on(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port_);
  if (connect(server, as_sockaddr(address), sizeof address) == 0) {
    Passage{plan_, client, server}.run();
  } else if (plan_.dies_with_server) {
    shutdown(listener_, SHUT_RDWR);  // So that libpq goes on to the next host.
  }
  close(server);
  close(client);
}

}  // namespace jobwatchdog::test
