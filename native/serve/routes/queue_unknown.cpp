// runninghub-queue-manager with a last segment that is no route, in the words that its clients know.
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply queue_unknown(const Services& /*services*/, const Request& /*request*/) {
  return error_reply(400, "Invalid endpoint");
}

}  // namespace jobwatchdog::routes
