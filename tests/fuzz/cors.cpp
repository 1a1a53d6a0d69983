// The header Origin: a page is let in when its origin is one of ours letter by letter, and never else.
#include "native/serve/cors.hpp"

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {

Verdict cors(const std::string& input) {
  static const std::set<std::string> origins{"https://app.example", "http://127.0.0.1:5173"};
  HttpRequest request;
  request.headers["origin"] = input;
  HttpReply reply;
  add_cors(reply, request, origins);
  HttpReply closed;
  add_cors(closed, request, {});
  if (!closed.headers.empty()) return broken("without origins nobody is told anything");
  if (!reply.headers.contains("vary")) return broken("a cache is told that the reply is for one origin");
  const auto allowed = reply.headers.find("access-control-allow-origin");
  if (allowed == reply.headers.end())
    return origins.contains(input) ? broken("a page of ours is let in") : refused();
  return taken_under(origins.contains(input) && allowed->second == input,
                     "only a page of ours is let in, by its own name");
}

}  // namespace jobwatchdog::fuzz
