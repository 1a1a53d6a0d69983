// The headers of CORS.
#include "native/serve/cors.hpp"

#include "native/http/request_header.hpp"

namespace jobwatchdog {

void add_cors(HttpReply& reply, const HttpRequest& request, const std::set<std::string>& origins) {
  if (origins.empty()) return;
  reply.headers["vary"] = "Origin";
  const std::string origin = header(request, "origin");
  if (!origins.contains(origin)) return;
  reply.headers["access-control-allow-origin"] = origin;
  reply.headers["access-control-expose-headers"] =
      "x-request-id, content-range, retry-after, etag, sb-error-code";
}

HttpReply preflight_reply() {
  return {
      .status = 204,
      .headers = {
          {"access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
          {"access-control-allow-headers",
           "authorization, x-client-info, apikey, content-type, x-retry-count, x-region, accept-profile, "
           "content-profile, prefer, range, if-none-match, traceparent, tracestate, baggage, x-request-id"},
          {"access-control-max-age", "600"}}};
}

}  // namespace jobwatchdog
