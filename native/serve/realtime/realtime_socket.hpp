/// One page's socket: joins and leaves channels, keeps alive, hears of changes. Source: protocols.md 4.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "native/http/web_socket.hpp"
#include "native/serve/realtime/realtime_hub.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

class RealtimeSocket final : public SocketListener {
 public:
  RealtimeSocket(std::shared_ptr<const Services> services, std::shared_ptr<RealtimeHub> hub,
                 PhoenixVersion version, Caller caller)
      : services_(std::move(services)), hub_(std::move(hub)), version_(version), caller_(std::move(caller)) {}

  /// Also of a socket whose server ends before it is told that it is gone.
  ~RealtimeSocket() override { forget_all(); }
  RealtimeSocket(const RealtimeSocket&) = delete;
  RealtimeSocket& operator=(const RealtimeSocket&) = delete;

  void opened(std::shared_ptr<SocketSender> sender) override { sender_ = std::move(sender); }
  void received(const std::string& text) override;
  void gone() override { forget_all(); }

 private:
  /// What a join asks for.
  struct Wishes {
    nlohmann::json echoed = nlohmann::json::array();
    std::vector<ChangeBinding> bindings;
    std::string problem;  ///< With what cannot be told of; "" when all of it can.
  };

  void join(const PhoenixMessage& message);
  void leave(const PhoenixMessage& message);
  void take_token(const PhoenixMessage& message);
  [[nodiscard]] Result<Wishes, std::string> read_wishes(const PhoenixMessage& message);
  [[nodiscard]] DatabaseResult<std::optional<ChangeBinding>> read_binding(const nlohmann::json& change);
  [[nodiscard]] DatabaseResult<bool> sees_all(const Caller& caller) const;
  [[nodiscard]] Result<Caller, std::string> caller_of(const nlohmann::json& token) const;
  void forget(const std::string& topic);
  void forget_all();
  void end_channel(const std::string& topic, const std::string& why);
  void end_expired_channels();
  void send(const std::string& text);
  void refuse(const PhoenixMessage& message, const std::string& reason);
  void tell_system(const std::string& topic, const nlohmann::json& join_ref, const std::string& status,
                   const std::string& words);

  struct Channel {
    nlohmann::json join_ref;
    std::shared_ptr<Subscription> subscription;
  };

  std::shared_ptr<const Services> services_;
  std::shared_ptr<RealtimeHub> hub_;
  PhoenixVersion version_;
  Caller caller_;
  std::shared_ptr<SocketSender> sender_;
  std::map<std::string, Channel> channels_;  ///< By topic.
  std::int64_t last_binding_id_{0};
};

/// Lets a page in that bears a key: /realtime/v1/websocket?apikey=...&vsn=...
[[nodiscard]] SocketHandler realtime_door(std::shared_ptr<const Services> services,
                                          std::shared_ptr<RealtimeHub> hub);

}  // namespace jobwatchdog
