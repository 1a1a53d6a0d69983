// What the emulator shows of its own: pictures, its tasks, its counts.
#include "native/emulator/emulator_pages.hpp"

#include <charconv>

#include "native/emulator/result_picture.hpp"
#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

/// "/results/ID.png" of a task that succeeded.
HttpReply picture(const EmulatedProvider& provider, const std::string& path, Instant now) {
  const std::string name = path.substr(std::string{"/results/"}.size());
  const bool is_there = name.ends_with(".png") && provider.has_result(name.substr(0, name.size() - 4), now);
  if (!is_there) return html_page(404);
  return {.headers = {{"Content-Type", "image/png"}}, .body = result_picture()};
}

/// The number behind "last=" in a query; without one, all.
std::size_t last_of(const std::string& query) {
  std::size_t count = std::string::npos;
  const std::size_t at = query.find("last=");
  if (at != std::string::npos) std::from_chars(query.data() + at + 5, query.data() + query.size(), count);
  return count;
}

HttpReply task_list(const EmulatedProvider& provider, const std::string& query, Instant now) {
  Json tasks = Json::array();
  for (const TaskLine& line : provider.tasks(now, last_of(query))) tasks.push_back(task_line(line));
  return json_reply({{"tasks", std::move(tasks)}});
}

HttpReply summary(const EmulatedProvider& provider, Instant now) {
  Json counts;
  for (const auto& [name, count] : provider.counts(now)) counts[name] = count;
  return json_reply(counts);
}

}  // namespace

HttpReply json_reply(const Json& json) {
  return {.headers = {{"Content-Type", "application/json;charset=UTF-8"}}, .body = json_line(json)};
}

HttpReply html_page(int status) {
  const std::string number = std::to_string(status);
  return {.status = status,
          .headers = {{"Content-Type", "text/html"}},
          .body = "<html><head><title>" + number + "</title></head><body><h1>" + number +
                  "</h1></body></html>\n"};
}

std::optional<HttpReply> emulator_page(const EmulatedProvider& provider, const HttpRequest& request,
                                       Instant now) {
  if (request.path == "/emulator/tasks") return task_list(provider, request.query, now);
  if (request.path == "/emulator/summary") return summary(provider, now);
  if (request.path.starts_with("/results/")) return picture(provider, request.path, now);
  return std::nullopt;
}

}  // namespace jobwatchdog
