/// What the emulator shows of its own, beside the endpoints that it emulates; this never goes wrong.
#pragma once

#include <optional>

#include "native/emulator/emulated_provider.hpp"
#include "native/emulator/emulator_shapes.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

[[nodiscard]] HttpReply json_reply(const Json& json);
/// A page of HTML that says no more than its status.
[[nodiscard]] HttpReply html_page(int status);

/// GET /emulator/tasks[?last=N], /emulator/summary, /results/ID.png; nothing for another path.
[[nodiscard]] std::optional<HttpReply> emulator_page(const EmulatedProvider& provider,
                                                     const HttpRequest& request, Instant now);

}  // namespace jobwatchdog
