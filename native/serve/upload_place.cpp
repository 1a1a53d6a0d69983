// Places for files.
#include "native/serve/upload_place.hpp"

#include "native/serve/json_reply.hpp"
#include "native/serve/uploads.hpp"

namespace jobwatchdog {

Result<std::shared_ptr<void>, HttpReply> upload_place(const Services& services, const Caller& caller,
                                                      std::size_t size) {
  std::shared_ptr<void> place = services.uploads->place_for(caller.user_id, size);
  if (place) return place;
  HttpReply reply = json_reply(503, {{"success", false},
                                     {"error", "Too many files are being sent at this moment; try again"},
                                     {"code", "UPLOADS_BUSY"}});
  reply.headers["retry-after"] = retry_after_s;
  return reply;
}

}  // namespace jobwatchdog
