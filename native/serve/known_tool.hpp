/// The tool that a function of a page belongs to.
#pragma once

#include <string>

#include "native/serve/route.hpp"

namespace jobwatchdog {

struct KnownTool {
  std::string table_name;
  std::string account;  ///< At the provider.
};

/// The tool of a function by its name, as "runninghub-veste-ai"; or the reply that there is none: 404.
[[nodiscard]] Result<KnownTool, HttpReply> tool_of_function(const Services& services,
                                                            const std::string& function);

}  // namespace jobwatchdog
