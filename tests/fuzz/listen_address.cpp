// --listen: the port is one, and the URL of an address leads back to it.
#include "native/http/listen_address.hpp"

#include <arpa/inet.h>

#include <array>

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> ignored{};
  return inet_pton(AF_INET, text.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), ignored.data()) == 1;
}

}  // namespace

Verdict listen_address(const std::string& input) {
  const Result<ListenAddress> read = parse_listen_address(input, "127.0.0.1:8787");
  if (!read.ok()) return refused();
  const ListenAddress& address = read.value();
  if (address.port < 0 || address.port > 65'535) return broken("a port has 16 bits");
  // Other words than an address are refused by who listens there.
  if (!is_address(address.address) || address.address.find('\0') != std::string::npos) return taken();
  const std::string url = http_url(address.address, address.port);
  const Result<ListenAddress> again = parse_listen_address(url.substr(url.rfind('/') + 1), "");
  return taken_under(
      again.ok() && again.value().address == address.address && again.value().port == address.port,
      "the URL of an address leads back to it");
}

}  // namespace jobwatchdog::fuzz
