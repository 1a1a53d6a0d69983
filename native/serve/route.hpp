/// A route: a path, who may ask, and the function that answers. What routes work with, and what they are
/// asked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "native/access/caller.hpp"
#include "native/connection_pool.hpp"
#include "native/http/http_server.hpp"
#include "native/http/trusted_proxies.hpp"
#include "native/life/reconciler.hpp"
#include "native/serve/job_bells.hpp"
#include "native/serve/live_flags.hpp"
#include "native/serve/pages.hpp"
#include "native/serve/rate_limit.hpp"
#include "native/serve/request_metrics.hpp"
#include "native/serve/uploads.hpp"

namespace jobwatchdog {

/// What all routes share; lives as long as the server.
struct Services {
  std::shared_ptr<ConnectionPool> connections;
  std::shared_ptr<JobBells> bells;
  std::shared_ptr<LiveFlags> flags;
  std::shared_ptr<RequestMetrics> request_metrics;
  std::shared_ptr<RateLimit> rate_limit;
  TrustedProxies proxies;
  std::shared_ptr<const Pages> pages;  ///< nullptr: none are given out.
  std::shared_ptr<Uploads> uploads;
  AccessSettings access;
  std::function<ReconcileCounts()> counts;     ///< What the node did so far.
  std::function<std::string()> sweep_metrics;  ///< Of the node's last sweep.
  std::function<Duration()> clock;             ///< Time since any fixed moment, for waits.
  std::function<void()> wake;                  ///< The node looks for work at once.
};

/// A request that found its route and whose caller may ask.
struct Request {
  const HttpRequest& http;
  Caller caller;
  SessionSettings session;             ///< The caller's role and claims, for the database to judge by.
  nlohmann::json body;                 ///< An object or a list; of a GET an empty object.
  std::vector<std::string> wildcards;  ///< What the "*" of the path stand for.
  std::string id;                      ///< Of the logs.
};

/// Who may ask. Whoever bears nothing is told 401, whoever bears the wrong thing 403.
enum class Who : std::uint8_t {
  anybody,  ///< No credential is looked at.
  any_key,  ///< A publishable key will do.
  user,     ///< A user, for what is the user's own; or the service.
  admin,    ///< A user with the role admin in user_roles; or the service.
  service,
  cron,  ///< The cron secret; or the service.
};

/// What the body of a request is.
enum class Takes : std::uint8_t {
  json,
  file  ///< Whatever it is; it may be large. Request::body is an empty object then.
};

struct Route {
  std::string_view method;
  std::string_view path;  ///< A segment "*" stands for any one that is not empty.
  Who who;
  HttpReply (*answer)(const Services& services, const Request& request);
  Takes takes{Takes::json};
};

/// Every route of the server. The first that fits decides.
[[nodiscard]] const std::vector<Route>& all_routes();

}  // namespace jobwatchdog
