// Routing, and what is the same for every route.
#include "native/serve/router.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "native/http/request_header.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/serve/cors.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/upload_place.hpp"
#include "native/stopwatch.hpp"
#include "native/system_random.hpp"
#include "native/wall_clock.hpp"

namespace jobwatchdog {
namespace {

/// The caller's own id when it is a plain word, so that logs of both sides meet; else a new one.
std::string request_id(const HttpRequest& request) {
  std::string given = header(request, "x-request-id");
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  if (!given.empty() && given.size() <= 64 && std::all_of(given.begin(), given.end(), is_plain)) return given;
  return fmt::format("{:016x}", system_random());
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string>& wildcards) {
  wildcards.clear();
  while (true) {
    const std::size_t pattern_end = std::min(pattern.find('/'), pattern.size());
    const std::size_t path_end = std::min(path.find('/'), path.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view given = path.substr(0, path_end);
    if (wanted == "*" && !given.empty()) {
      wildcards.emplace_back(given);
    } else if (wanted != given) {
      return false;
    }
    if ((pattern_end == pattern.size()) != (path_end == path.size())) return false;
    if (pattern_end == pattern.size()) return true;
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

HttpReply unauthorized(const CallerFault& fault) {
  HttpReply reply =
      json_reply(401, {{"code", fault.code}, {"message", fault.message}, {"msg", fault.message}});
  reply.headers["sb-error-code"] = fault.code;
  reply.headers["www-authenticate"] = "Bearer";
  return reply;
}

/// In the words of functions and of PostgREST's clients alike.
HttpReply refusal(int status, const std::string& words) {
  return json_reply(status, {{"error", words}, {"message", words}});
}

bool may_ask(Who who, Caller::Kind kind) {
  using Kind = Caller::Kind;
  switch (who) {
    case Who::anybody: return true;
    case Who::any_key: return kind != Kind::nobody && kind != Kind::cron;
    case Who::user:
    case Who::admin: return kind == Kind::user || kind == Kind::service;
    case Who::service: return kind == Kind::service;
    case Who::cron: return kind == Kind::cron || kind == Kind::service;
  }
  return false;
}

/// Why this user is no administrator, or could not be looked up: then nobody is let in.
std::optional<HttpReply> refuse_as_admin(const Services& services, const Caller& caller) {
  if (caller.is_service()) return std::nullopt;
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT watchdog.user_has_role($1, 'admin') AS is_admin", {caller.user_id}, {.read_only = true});
  if (!rows.ok()) return database_reply("asking for a role", rows.error());
  if (rows.value().boolean(0, "is_admin")) return std::nullopt;
  return error_reply(403, "Only an administrator may do that");
}

/// An address without a user may be many people behind one router.
constexpr int share_of_address = 10;

/// Why this caller must wait: it asks this route too often. Who has the service's key is not counted.
std::optional<HttpReply> refuse_as_too_often(const Services& services, const HttpRequest& request,
                                             const Route& route, const Caller& caller) {
  if (caller.is_service()) return std::nullopt;
  const std::string who = caller.is_user() ? caller.user_id : services.proxies.client_of(request);
  const std::optional<Duration> wait =
      services.rate_limit->take(who + " " + std::string{route.method} + " " + std::string{route.path},
                                caller.is_user() ? 1 : share_of_address);
  if (!wait) return std::nullopt;
  const std::string seconds = std::to_string((wait->ms + 999) / 1'000);
  HttpReply reply = refusal(429, "Too many requests; try again in " + seconds + " s");
  reply.headers["retry-after"] = seconds;
  return reply;
}

/// Who asks, when that caller may; else the reply that turns it away. It may wait for keys: then it is worth
/// to ask again. A large file is asked about twice, for its head and for the whole, and counts twice.
Result<Caller, HttpReply> let_in(const Services& services, const HttpRequest& http, const Route& route) {
  Result<Caller, CallerFault> caller = identify(services.access, http, wall_clock_ms());
  if (!caller.ok()) {
    HttpReply reply = unauthorized(caller.error());
    reply.waits_for = caller.error().news;
    reply.waits_at_most = key_fetch_timeout;
    return reply;
  }
  if (caller.value().kind == Caller::Kind::nobody)
    return unauthorized({"UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header"});
  if (auto refused = refuse_as_too_often(services, http, route, caller.value())) return *refused;
  if (!may_ask(route.who, caller.value().kind)) return refusal(403, "This caller may not do that");
  return std::move(caller.value());
}

HttpReply answer_route(const Services& services, const HttpRequest& http, const Route& route,
                       std::vector<std::string> wildcards, const std::string& id) {
  if (route.who == Who::anybody)
    return route.answer(
        services, {http, Caller{}, SessionSettings{}, nlohmann::json::object(), std::move(wildcards), id});
  const Result<Caller, HttpReply> caller = let_in(services, http, route);
  if (!caller.ok()) {
    HttpReply reply = caller.error();
    if (reply.waits_for)
      reply.then = [&services, &http, &route, wildcards = std::move(wildcards), id] {
        return answer_route(services, http, route, wildcards, id);
      };
    return reply;
  }
  const bool has_json = http.method != "GET" && http.method != "HEAD" && route.takes == Takes::json;
  const Result<nlohmann::json, BodyFault> body = parse_body(has_json ? http : HttpRequest{});
  if (!body.ok()) return refusal(body.error().status, body.error().words);
  if (route.who == Who::admin) {
    if (auto refused = refuse_as_admin(services, caller.value())) return *refused;
  }
  return route.answer(
      services, {http, caller.value(), session_of(caller.value()), body.value(), std::move(wildcards), id});
}

HttpReply no_route(const HttpRequest& request) {
  std::string allowed;
  for (const Route& route : all_routes()) {
    std::vector<std::string> ignored;
    if (fits(route.path, request.path, ignored) && allowed.find(route.method) == std::string::npos)
      allowed += (allowed.empty() ? "" : ", ") + std::string{route.method};
  }
  if (allowed.empty()) return error_reply(404, "There is nothing here");
  HttpReply reply = error_reply(405, "This path takes " + allowed);
  reply.headers["allow"] = allowed;
  return reply;
}

/// Paths that begin as a route does are the API's, whether there is such a route or not.
bool belongs_to_api(std::string_view path) {
  const auto first_segment = [](std::string_view text) { return text.substr(0, text.find('/', 1)); };
  return std::any_of(all_routes().begin(), all_routes().end(),
                     [&](const Route& route) { return first_segment(route.path) == first_segment(path); });
}

HttpReply answer_elsewhere(const Services& services, const HttpRequest& request) {
  const bool may_be_page = services.pages && !belongs_to_api(request.path) &&
                           (request.method == "GET" || request.method == "HEAD");
  const std::optional<HttpReply> page =
      may_be_page ? services.pages->answer(request) : std::optional<HttpReply>{};
  return page ? *page : no_route(request);
}

/// One request on its way; kept by the replies that come later.
struct Journey {
  std::shared_ptr<const Services> services;
  HttpRequest request;
  std::string id;
  std::string route;
  Stopwatch since{};
};

std::shared_ptr<Journey> journey_of(const std::shared_ptr<const Services>& services,
                                    const HttpRequest& request) {
  return std::make_shared<Journey>(Journey{services, request, request_id(request), "none"});
}

HttpReply finish(const std::shared_ptr<Journey>& journey, HttpReply reply) {
  if (reply.then) {
    reply.then = [journey, then = std::move(reply.then)] { return finish(journey, then()); };
    return reply;
  }
  add_cors(reply, journey->request, journey->services->access.origins);
  reply.headers["x-request-id"] = journey->id;
  journey->services->request_metrics->observe(journey->route, reply.status, journey->since.elapsed());
  log(reply.status >= 500 ? LogLevel::warning : LogLevel::debug, "request",
      {{"request_id", journey->id},
       {"method", journey->request.method},
       {"route", journey->route},
       {"status", std::to_string(reply.status)},
       {"took_ms", std::to_string(journey->since.elapsed().ms)}});
  return reply;
}

}  // namespace

const Route* find_route(std::string_view method, std::string_view path, std::vector<std::string>* wildcards) {
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  for (const Route& route : all_routes()) {
    if (route.method == asked && fits(route.path, path, *wildcards)) return &route;
  }
  return nullptr;
}

HttpHandler router(std::shared_ptr<const Services> services) {
  return [services = std::move(services)](const HttpRequest& request) {
    auto journey = journey_of(services, request);
    if (request.method == "OPTIONS") return finish(journey, preflight_reply());
    std::vector<std::string> wildcards;
    const Route* route = find_route(request.method, request.path, &wildcards);
    if (route == nullptr) return finish(journey, answer_elsewhere(*services, request));
    journey->route = route->path;
    return finish(journey,
                  answer_route(*services, journey->request, *route, std::move(wildcards), journey->id));
  };
}

LargeBodyDoor large_body_door(std::shared_ptr<const Services> services) {
  return [services = std::move(services)](const HttpRequest& head,
                                          std::size_t size) -> std::variant<LargeBodyPermit, HttpReply> {
    const std::shared_ptr<Journey> journey = journey_of(services, head);
    std::vector<std::string> ignored;
    const Route* route = find_route(head.method, head.path, &ignored);
    if (route == nullptr || route->takes != Takes::file)
      return finish(journey, refusal(413, "The body is too large"));
    journey->route = route->path;
    const Result<Caller, HttpReply> caller = let_in(*services, head, *route);
    if (!caller.ok()) return finish(journey, caller.error());
    if (size > file_size_max) return finish(journey, refusal(413, "A file may have at most 30 MB"));
    Result<std::shared_ptr<void>, HttpReply> place = upload_place(*services, caller.value(), size);
    if (!place.ok()) return finish(journey, place.error());
    return LargeBodyPermit{file_size_max, upload_timeout, std::move(place.value())};
  };
}

}  // namespace jobwatchdog
