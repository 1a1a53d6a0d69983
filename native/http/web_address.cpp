// Web addresses by libcurl's parser, hosts by the lists of special networks.
#include "native/http/web_address.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "native/http/network_list.hpp"

namespace jobwatchdog {
namespace {

struct UrlRelease {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct TextRelease {
  void operator()(char* text) const { curl_free(text); }
};

/// A part of the URL; "" without it.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, TextRelease> owned{text};
  return text;
}

/// Special networks. Source: RFC 6890.
const NetworkList& loopback_networks() {
  static const NetworkList networks = NetworkList::parse("", "127.0.0.0/8,0.0.0.0/8,::/127").value();
  return networks;
}
const NetworkList& private_networks() {
  static const NetworkList networks =
      NetworkList::parse(
          "", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10")
          .value();
  return networks;
}

}  // namespace

std::optional<WebAddress> parse_web_address(const std::string& text) {
  const std::unique_ptr<CURLU, UrlRelease> url{curl_url()};
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  WebAddress address;
  address.is_https = scheme == "https";
  address.host = part_of(url.get(), CURLUPART_HOST);
  if ((!address.is_https && scheme != "http") || address.host.empty() ||
      std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c >= 0x7f; }))
    return std::nullopt;
  std::transform(address.host.begin(), address.host.end(), address.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string port = part_of(url.get(), CURLUPART_PORT);
  address.path = part_of(url.get(), CURLUPART_PATH);
  if (address.path == "/") address.path = "";
  address.has_query = text.find_first_of("?#") != std::string::npos;
  address.has_user =
      !part_of(url.get(), CURLUPART_USER).empty() || text.find('@') < text.find('/', scheme.size() + 3);
  address.shown = scheme + "://" + address.host + (port.empty() ? "" : ":" + port) + address.path;
  if (address.host.front() == '[') address.host = address.host.substr(1, address.host.size() - 2);
  return address;
}

bool travels_safely(const WebAddress& address) {
  static const NetworkList this_machine = NetworkList::parse("", "127.0.0.0/8,::1/128").value();
  return address.is_https || address.host == "localhost" || this_machine.contain(address.host);
}

std::string privacy_of(const std::string& host) {
  if (loopback_networks().contain(host)) return "a loopback address";
  if (private_networks().contain(host)) return "an address of a private network";
  if (is_ip_address(host)) return "";
  if (host == "localhost" || host.ends_with(".localhost")) return "this machine itself";
  if (host.find('.') == std::string::npos) return "a name without a domain";
  for (const char* domain : {".local", ".internal", ".home.arpa", ".test", ".invalid"}) {
    if (host.ends_with(domain)) return std::string{"a name under "} + domain;
  }
  return "";
}

}  // namespace jobwatchdog
