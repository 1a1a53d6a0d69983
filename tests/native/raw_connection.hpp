/// A client of 127.0.0.1 that sends any bytes it likes and reads what comes back: what no HTTP library would
/// do.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace jobwatchdog::test {

class RawConnection {
 public:
  explicit RawConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval longest_wait{30, 0};  // A test that hangs shall fail instead.
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest_wait, sizeof longest_wait);
  }
  ~RawConnection() { close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  [[nodiscard]] bool is_open() const { return is_open_; }

  /// Whether all was taken; a server that has gone takes nothing.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// One reply with a Content-Length, header and body; what comes behind it is kept for the next. Less when
  /// the server ends earlier.
  std::string reply() {
    while (received_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    const std::size_t header_size = received_.find("\r\n\r\n");
    const std::size_t length_at = received_.find("Content-Length: ");
    std::size_t size = header_size == std::string::npos ? received_.size() : header_size + 4;
    if (length_at < size) size += std::stoul(received_.substr(length_at + 16));
    while (received_.size() < size && receive()) {
    }
    const std::string whole = received_.substr(0, size);
    received_.erase(0, size);
    return whole;
  }

  /// All that comes until the server closes, which it must.
  std::string rest() {
    while (receive()) {
    }
    EXPECT_TRUE(was_closed_) << "the server keeps the connection";
    return std::exchange(received_, "");
  }

  /// Says that nothing more will be sent.
  void end_sending() { shutdown(fd_, SHUT_WR); }

 private:
  bool receive() {
    std::array<char, 16'384> buffer{};
    const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
    if (count > 0) received_.append(buffer.data(), static_cast<std::size_t>(count));
    was_closed_ = count == 0 || (count < 0 && errno == ECONNRESET);
    return count > 0;
  }

  int fd_{-1};
  bool is_open_{false};
  bool was_closed_{false};
  std::string received_;
};

}  // namespace jobwatchdog::test
