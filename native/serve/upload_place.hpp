/// Letting files in, and no more of them than there is room for.
#pragma once

#include <memory>

#include "native/serve/route.hpp"

namespace jobwatchdog {

/// A place for a file of the caller of that many bytes, or the reply that says to come again: 503 with
/// Retry-After.
[[nodiscard]] Result<std::shared_ptr<void>, HttpReply> upload_place(const Services& services,
                                                                    const Caller& caller, std::size_t size);

}  // namespace jobwatchdog
