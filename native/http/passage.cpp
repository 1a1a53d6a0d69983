// Telling addresses of this machine from those of others.
#include "native/http/passage.hpp"

#include <algorithm>
#include <string_view>

namespace jobwatchdog {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_loopback(const std::string& host) {
  const bool is_ipv4 =
      host.rfind("127.", 0) == 0 && host.find_first_not_of("0123456789.") == std::string::npos;
  return is_ipv4 || host == "localhost" || host == "[::1]";
}

/// "https://host:1" -> "host"; "" when the address is anything but scheme, host and port.
std::string host_of(const std::string& url, std::string_view scheme) {
  if (url.rfind(scheme, 0) != 0) return "";
  const std::string rest = url.substr(scheme.size());
  const std::size_t end =
      rest.rfind('[', 0) == 0 ? rest.find(']') + 1 : std::min(rest.find(':'), rest.size());
  const std::string host = rest.substr(0, end);
  const std::string port = rest.substr(end);
  const bool is_host = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view{".-[]:"}.find(c) != std::string_view::npos;
  });
  const bool is_port = port.empty() || (port.size() > 1 && port.size() < 7 && port[0] == ':' &&
                                        std::all_of(port.begin() + 1, port.end(), is_digit));
  return is_host && is_port ? host : "";
}

}  // namespace

Passage passage_to(const std::string& address) {
  if (!host_of(address, "https://").empty()) return Passage::encrypted;
  const std::string plain_host = host_of(address, "http://");
  if (plain_host.empty()) return Passage::no_address;
  return is_loopback(plain_host) ? Passage::inside : Passage::in_clear;
}

}  // namespace jobwatchdog
