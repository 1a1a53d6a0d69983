// MurmurHash3_x86_32, written from its published description.
#include "core/murmur3.hpp"

#include <cstddef>

namespace jobwatchdog {
namespace {

constexpr std::uint32_t rotated_left(std::uint32_t word, unsigned bits) {
  return (word << bits) | (word >> (32U - bits));
}

std::uint32_t scrambled(std::uint32_t block) { return rotated_left(block * 0xCC9E2D51U, 15U) * 0x1B873593U; }

/// Up to four bytes, the first one lowest, whatever the machine's order is.
std::uint32_t block_of(std::string_view bytes) {
  std::uint32_t block = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    block = (block << 8U) | static_cast<unsigned char>(bytes[i - 1]);
  return block;
}

}  // namespace

std::uint32_t murmur3(std::string_view text, std::uint32_t seed) {
  std::uint32_t hash = seed;
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    hash ^= scrambled(block_of(text.substr(at, 4)));
    hash = rotated_left(hash, 13U) * 5U + 0xE6546B64U;
  }
  if (at < text.size()) hash ^= scrambled(block_of(text.substr(at)));
  hash ^= static_cast<std::uint32_t>(text.size());
  hash = (hash ^ (hash >> 16U)) * 0x85EBCA6BU;
  hash = (hash ^ (hash >> 13U)) * 0xC2B2AE35U;
  return hash ^ (hash >> 16U);
}

}  // namespace jobwatchdog
