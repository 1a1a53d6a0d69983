// Networks by their leading bits, with IPv4 as a part of IPv6.
#include "native/http/network_list.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "native/word_list.hpp"

namespace jobwatchdog {
namespace {

constexpr int ipv4_prefix_bits = 96;  ///< ::ffff:0:0/96

/// An address in 16 bytes; nothing when it is none.
std::optional<std::vector<unsigned char>> address_bytes(const std::string& text) {
  std::vector<unsigned char> bytes(16);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  if (inet_pton(AF_INET6, ("::ffff:" + text).c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

bool same_bits(const std::vector<unsigned char>& a, const std::vector<unsigned char>& b, int count) {
  for (int bit = 0; bit < count; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80 >> (bit % 8));
    const auto place = static_cast<std::size_t>(bit / 8);
    if ((a[place] & mask) != (b[place] & mask)) return false;
  }
  return true;
}

}  // namespace

Result<NetworkList> NetworkList::parse(const std::string& where, const std::string& text) {
  NetworkList list;
  for (const std::string& word : words_of(text)) {
    const std::size_t slash = std::min(word.find('/'), word.size());
    const std::string bits = slash == word.size() ? "" : word.substr(slash + 1);
    const auto bytes = address_bytes(word.substr(0, slash));
    const bool is_v4 = bytes && word.find(':') == std::string::npos;
    const int bits_max = is_v4 ? 128 - ipv4_prefix_bits : 128;
    const bool is_number = bits.size() <= 3 && bits.find_first_not_of("0123456789") == std::string::npos;
    const int count = !is_number ? -1 : bits.empty() ? bits_max : std::stoi(bits);
    if (!bytes || count < 0 || count > bits_max || (bits.empty() && slash != word.size()))
      return Problem{where, "\"" + word + "\" is neither an address nor a network",
                     "write such as 127.0.0.1,10.0.0.0/8"};
    list.networks_.push_back({*bytes, is_v4 ? ipv4_prefix_bits + count : count});
  }
  return list;
}

bool NetworkList::contain(const std::string& address) const {
  const auto bytes = address_bytes(address);
  return bytes && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return same_bits(network.bytes, *bytes, network.prefix_bits);
         });
}

bool is_ip_address(const std::string& text) { return address_bytes(text).has_value(); }

}  // namespace jobwatchdog
