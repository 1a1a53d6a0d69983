// Looking tools up.
#include "native/serve/known_tool.hpp"

#include <algorithm>
#include <string_view>

#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

/// "runninghub-veste-ai" -> "veste_ai"; "" for a function that is no tool's.
std::string tool_name(const std::string& function) {
  constexpr std::string_view beginning = "runninghub-";
  if (!function.starts_with(beginning)) return "";
  std::string tool = function.substr(beginning.size());
  std::replace(tool.begin(), tool.end(), '-', '_');
  return tool;
}

}  // namespace

Result<KnownTool, HttpReply> tool_of_function(const Services& services, const std::string& function) {
  const DatabaseResult<Rows> rows =
      services.connections->query("SELECT table_name, account FROM watchdog.tools WHERE tool = $1",
                                  {tool_name(function)}, {.read_only = true});
  if (!rows.ok()) return database_reply("looking for a tool", rows.error());
  if (rows.value().size() == 0) return error_reply(404, "There is no such function");
  return KnownTool{rows.value().text(0, "table_name"), rows.value().text(0, "account")};
}

}  // namespace jobwatchdog
