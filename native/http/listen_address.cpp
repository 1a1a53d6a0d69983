// Where a server listens, read from --listen.
#include "native/http/listen_address.hpp"

namespace jobwatchdog {

Result<ListenAddress> parse_listen_address(const std::string& text, const std::string& example) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool is_number =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (colon == 0 || !is_number || std::stoi(port) > 65'535)
    return Problem{"--listen", "\"" + text + "\" is not ADDRESS:PORT", "write one such as " + example};
  ListenAddress listen{text.substr(0, colon), std::stoi(port)};
  if (listen.address.starts_with('[') && listen.address.ends_with(']'))
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  return listen;
}

std::string http_url(const std::string& address, int port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return "http://" + (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace jobwatchdog
