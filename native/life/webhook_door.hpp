/// The door for the provider's webhooks: stored first, answered at once, believed never.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "native/connection_pool.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

class WebhookDoor {
 public:
  WebhookDoor(std::shared_ptr<ConnectionPool> connections, std::set<std::string> names)
      : connections_(std::move(connections)), names_(std::move(names)) {}

  /// Answers a request to /functions/v1/NAME or /functions/v1/NAME/TOKEN; nothing when the path is none of
  /// them.
  /** 200 once the webhook is stored, 400 for one without a task, 503 while the database cannot be reached:
   * then the provider sends it again. Source: protocols.md 1.5 and 2.5, invariants.md S2. */
  [[nodiscard]] std::optional<HttpReply> answer(const HttpRequest& request) const;

 private:
  std::shared_ptr<ConnectionPool> connections_;
  std::set<std::string> names_;  ///< The webhook paths of all tools.
};

}  // namespace jobwatchdog
