/// What a file is, by its first bytes: what a client calls it proves nothing.
#pragma once

#include <string>
#include <string_view>

namespace jobwatchdog {

/// ".png", ".jpg", ".webp", ".mp4", ".mov" or ".webm": what the provider's nodes read; "" for anything else.
/** Of the kin of MP4 the pictures (HEIC, AVIF) are not among them. */
[[nodiscard]] std::string_view file_ending(std::string_view content);

}  // namespace jobwatchdog
