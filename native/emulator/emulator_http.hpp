/// RunningHub's endpoints, v1 and v2, before an emulated provider; and the emulator's own, which never go
/// wrong.
///
/// A request comes in as a value with the time at which it came, the reply goes out as a value that may say
/// that it is to be late, cut short or never sent.
#pragma once

#include "native/emulator/emulated_provider.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

/// What the largest upload may weigh; beyond it the answer is 809. Source: protocols.md section 1.6.
inline constexpr std::size_t upload_size_max = 30UL * 1'024 * 1'024;

/// Answers one request to the provider. Used by one thread at a time.
[[nodiscard]] HttpReply emulator_reply(EmulatedProvider& provider, const HttpRequest& request, Instant now);

}  // namespace jobwatchdog
