// The server's side of a Realtime socket.
#include "native/serve/realtime/realtime_socket.hpp"

#include <ctime>

#include "core/sql_text.hpp"
#include "native/json_text.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/rest/rest_tables.hpp"
#include "native/serve/url_query.hpp"
#include "native/wall_clock.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t channels_max = 100;
constexpr std::size_t bindings_max = 20;
constexpr std::string_view topic_beginning = "realtime:";
constexpr const char* database_is_away = "DatabaseLackOfConnections: The database does not answer";

std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The list that the page sent with its join; empty without one.
nlohmann::json wanted_changes(const nlohmann::json& payload) {
  const auto config = payload.find("config");
  if (config == payload.end() || !config->is_object()) return nlohmann::json::array();
  const auto changes = config->find("postgres_changes");
  return changes == config->end() || !changes->is_array() ? nlohmann::json::array() : *changes;
}

/// "id=eq.UUID" or "user_id=eq.UUID"; false for any other filter.
bool take_filter(const std::string& filter, ChangeBinding& binding) {
  for (const auto& [beginning, field] : {std::pair{std::string{"id=eq."}, &ChangeBinding::job_id},
                                         std::pair{std::string{"user_id=eq."}, &ChangeBinding::user_id}}) {
    if (!filter.starts_with(beginning) || !is_uuid(filter.substr(beginning.size()))) continue;
    binding.*field = filter.substr(beginning.size());
    return true;
  }
  return filter.empty();
}

}  // namespace

void RealtimeSocket::send(const std::string& text) {
  sender_->send(std::make_shared<const std::string>(text));
}

void RealtimeSocket::refuse(const PhoenixMessage& message, const std::string& reason) {
  send(phoenix_reply(message, "error", {{"reason", reason}}, version_));
}

void RealtimeSocket::tell_system(const std::string& topic, const nlohmann::json& join_ref,
                                 const std::string& status, const std::string& words) {
  const std::string channel = topic.substr(topic.starts_with(topic_beginning) ? topic_beginning.size() : 0);
  send(phoenix_text(
      {join_ref, nullptr, topic, "system", {}},
      json_line(
          {{"message", words}, {"status", status}, {"extension", "postgres_changes"}, {"channel", channel}}),
      version_));
}

void RealtimeSocket::received(const std::string& text) {
  const std::optional<PhoenixMessage> message = parse_phoenix(text, version_);
  if (!message) return sender_->close();
  if (message->topic == "phoenix" && message->event == "heartbeat") {
    send(phoenix_reply(*message, "ok", nlohmann::json::object(), version_));
    end_expired_channels();
  } else if (message->event == "phx_join") {
    join(*message);
  } else if (message->event == "phx_leave") {
    leave(*message);
  } else if (message->event == "access_token") {
    take_token(*message);
  }
}

Result<Caller, std::string> RealtimeSocket::caller_of(const nlohmann::json& token) const {
  // A key says no more than the socket's own did.
  if (!token.is_string() || token.get<std::string>().starts_with("sb_")) return caller_;
  HttpRequest request;
  request.headers["authorization"] = "Bearer " + token.get<std::string>();
  const Result<Caller, CallerFault> caller = identify(services_->access, request, wall_clock_ms());
  if (!caller.ok()) return "InvalidJWTToken: " + caller.error().message;
  return caller.value();
}

DatabaseResult<bool> RealtimeSocket::sees_all(const Caller& caller) const {
  if (!caller.is_user()) return caller.is_service();
  const DatabaseResult<Rows> role = services_->connections->query(
      "SELECT watchdog.user_has_role($1, 'admin') AS is_admin", {caller.user_id}, {.read_only = true});
  if (!role.ok()) return role.error();
  return role.value().boolean(0, "is_admin");
}

/// Nothing for a change that this server cannot tell of.
DatabaseResult<std::optional<ChangeBinding>> RealtimeSocket::read_binding(const nlohmann::json& change) {
  ChangeBinding binding;
  binding.id = last_binding_id_;
  binding.event = text_of(change, "event");
  binding.table = text_of(change, "table");
  const bool is_readable = text_of(change, "schema") == "public" &&
                           take_filter(text_of(change, "filter"), binding) && is_storable_text(binding.table);
  if (!is_readable) return std::optional<ChangeBinding>{};
  if (binding.table == jobs_table().name) return std::optional{binding};
  const DatabaseResult<Rows> tool = services_->connections->query(
      "SELECT tool FROM watchdog.tools WHERE table_name = $1", {binding.table}, {.read_only = true});
  if (!tool.ok()) return tool.error();
  if (tool.value().size() == 0) return std::optional<ChangeBinding>{};
  binding.tool = tool.value().text(0, "tool");
  return std::optional{binding};
}

/// What the page wants to hear of, echoed with ids as the client compares it.
Result<RealtimeSocket::Wishes, std::string> RealtimeSocket::read_wishes(const PhoenixMessage& message) {
  Wishes wishes;
  const nlohmann::json changes = wanted_changes(message.payload);
  if (changes.size() > bindings_max) return std::string{"Too many postgres_changes"};
  for (const nlohmann::json& change : changes) {
    if (!change.is_object()) return std::string{"postgres_changes must be objects"};
    ++last_binding_id_;
    nlohmann::json echo = change;
    echo["id"] = last_binding_id_;
    wishes.echoed.push_back(std::move(echo));
    const DatabaseResult<std::optional<ChangeBinding>> binding = read_binding(change);
    if (!binding.ok()) return std::string{database_is_away};
    if (binding.value()) {
      wishes.bindings.push_back(*binding.value());
    } else {
      wishes.problem = "Unable to subscribe to changes with given parameters: " + json_line(change);
    }
  }
  return wishes;
}

void RealtimeSocket::join(const PhoenixMessage& message) {
  if (!message.topic.starts_with(topic_beginning)) return refuse(message, "unmatched topic");
  forget(message.topic);
  if (channels_.size() >= channels_max) return refuse(message, "ChannelRateLimitReached: Too many channels");
  const auto token = message.payload.find("access_token");
  const Result<Caller, std::string> caller =
      caller_of(token == message.payload.end() ? nlohmann::json() : *token);
  if (!caller.ok()) return refuse(message, caller.error());
  const Result<Wishes, std::string> wishes = read_wishes(message);
  if (!wishes.ok()) return refuse(message, wishes.error());
  const DatabaseResult<bool> all = sees_all(caller.value());
  if (!all.ok()) return refuse(message, database_is_away);

  auto subscription = std::make_shared<Subscription>(sender_, version_, message.topic, caller.value(),
                                                     all.value(), wishes.value().bindings);
  channels_[message.topic] = {message.join_ref, subscription};
  send(phoenix_reply(message, "ok", {{"postgres_changes", wishes.value().echoed}}, version_));
  if (!wishes.value().problem.empty())
    return tell_system(message.topic, message.join_ref, "error", wishes.value().problem);
  if (wishes.value().bindings.empty()) return;
  hub_->add(subscription);
  tell_system(message.topic, message.join_ref, "ok", "Subscribed to PostgreSQL");
  hub_->catch_up(subscription);
}

void RealtimeSocket::forget(const std::string& topic) {
  const auto found = channels_.find(topic);
  if (found == channels_.end()) return;
  hub_->remove(found->second.subscription);
  channels_.erase(found);
}

void RealtimeSocket::leave(const PhoenixMessage& message) {
  send(phoenix_reply(message, "ok", nlohmann::json::object(), version_));
  forget(message.topic);
  send(phoenix_text({message.join_ref, message.ref, message.topic, "phx_close", {}}, "{}", version_));
}

void RealtimeSocket::end_channel(const std::string& topic, const std::string& why) {
  const nlohmann::json join_ref = channels_[topic].join_ref;
  forget(topic);
  tell_system(topic, join_ref, "error", why);
  send(phoenix_text({join_ref, nullptr, topic, "phx_close", {}}, "{}", version_));
}

void RealtimeSocket::end_expired_channels() {
  std::vector<std::string> expired;
  for (const auto& [topic, channel] : channels_) {
    if (channel.subscription->has_expired(std::time(nullptr))) expired.push_back(topic);
  }
  for (const std::string& topic : expired) end_channel(topic, "Token has expired");
}

/// A new token of the page; nothing is answered to it.
void RealtimeSocket::take_token(const PhoenixMessage& message) {
  const auto channel = channels_.find(message.topic);
  const auto token = message.payload.find("access_token");
  if (channel == channels_.end() || token == message.payload.end()) return;
  const Result<Caller, std::string> caller = caller_of(*token);
  if (!caller.ok()) return end_channel(message.topic, caller.error());
  const DatabaseResult<bool> all = sees_all(caller.value());
  if (!all.ok()) return;  // The old token holds until it expires.
  std::shared_ptr<Subscription>& subscription = channel->second.subscription;
  auto renewed = std::make_shared<Subscription>(sender_, version_, message.topic, caller.value(), all.value(),
                                                subscription->bindings());
  hub_->remove(subscription);
  subscription = renewed;
  hub_->add(renewed);
}

void RealtimeSocket::forget_all() {
  for (const auto& [topic, channel] : channels_) hub_->remove(channel.subscription);
  channels_.clear();
}

SocketHandler realtime_door(std::shared_ptr<const Services> services, std::shared_ptr<RealtimeHub> hub) {
  return [services = std::move(services), hub = std::move(hub)](const HttpRequest& request) -> SocketAnswer {
    if (request.path != "/realtime/v1/websocket") return error_reply(404, "There is nothing here");
    const auto parts = parse_url_query(request.query);
    if (!parts) return error_reply(400, "The query cannot be read");
    HttpRequest asked = request;
    std::string vsn;
    for (const auto& [name, value] : *parts) {
      if (name == "apikey") asked.headers["apikey"] = value;
      if (name == "vsn") vsn = value;
    }
    const std::optional<PhoenixVersion> version = phoenix_version(vsn);
    if (!version) return error_reply(400, "vsn must be 1.0.0 or 2.0.0");
    const Result<Caller, CallerFault> caller = identify(services->access, asked, wall_clock_ms());
    if (!caller.ok()) return error_reply(401, caller.error().message);
    if (caller.value().kind == Caller::Kind::nobody) return error_reply(401, "API key is missing");
    if (caller.value().kind == Caller::Kind::cron) return error_reply(403, "This caller may not do that");
    return std::make_shared<RealtimeSocket>(services, hub, *version, caller.value());
  };
}

}  // namespace jobwatchdog
