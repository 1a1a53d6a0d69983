// Whom a request comes from, when proxies stand before us.
#include "native/http/trusted_proxies.hpp"

#include "native/http/request_header.hpp"
#include "native/word_list.hpp"

namespace jobwatchdog {

Result<TrustedProxies> TrustedProxies::parse(const std::string& text) {
  Result<NetworkList> networks = NetworkList::parse("--trusted-proxies", text);
  if (!networks.ok()) return networks.error();
  TrustedProxies proxies;
  proxies.networks_ = std::move(networks.value());
  return proxies;
}

bool TrustedProxies::contain(const std::string& address) const { return networks_.contain(address); }

std::string TrustedProxies::client_of(const HttpRequest& request) const {
  std::string client = request.peer;
  std::vector<std::string> forwarded = words_of(header(request, "x-forwarded-for"));
  while (!forwarded.empty() && networks_.contain(client) && is_ip_address(forwarded.back())) {
    client = forwarded.back();
    forwarded.pop_back();
  }
  return client;
}

}  // namespace jobwatchdog
