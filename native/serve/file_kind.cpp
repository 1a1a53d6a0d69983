// Files by the bytes that they begin with.
#include "native/serve/file_kind.hpp"

#include <algorithm>
#include <array>

namespace jobwatchdog {
namespace {

/// A file of ISO's base media format names its brand behind "ftyp".
std::string_view ending_of_brand(std::string_view brand) {
  constexpr std::array<std::string_view, 8> pictures{"heic", "heix", "hevc", "heim",
                                                     "mif1", "msf1", "avif", "avis"};
  if (std::find(pictures.begin(), pictures.end(), brand) != pictures.end()) return "";
  return brand == "qt  " ? ".mov" : ".mp4";
}

}  // namespace

std::string_view file_ending(std::string_view content) {
  if (content.starts_with("\x89PNG\r\n\x1a\n")) return ".png";
  if (content.starts_with("\xff\xd8\xff")) return ".jpg";
  if (content.starts_with("RIFF") && content.substr(0, 12).ends_with("WEBP")) return ".webp";
  if (content.starts_with("\x1a\x45\xdf\xa3")) return ".webm";
  if (content.size() >= 12 && content.substr(4, 4) == "ftyp") return ending_of_brand(content.substr(8, 4));
  return "";
}

}  // namespace jobwatchdog
