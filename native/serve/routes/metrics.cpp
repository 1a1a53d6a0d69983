// /metrics: what the node did, what is at work, what its last sweep did, and how long requests took, for
// Prometheus.
#include "native/life/node_metrics.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply metrics(const Services& services, const Request& /*request*/) {
  HttpReply reply = text_reply(200, "");
  reply.headers["content-type"] = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = node_metrics(services.counts(), *services.connections) + services.sweep_metrics() +
               services.request_metrics->text();
  return reply;
}

}  // namespace jobwatchdog::routes
