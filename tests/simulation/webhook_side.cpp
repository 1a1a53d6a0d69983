// Webhooks of a simulated world: what the provider sends, what strangers add, what our server hears.
#include "tests/simulation/provider_side.hpp"
#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

constexpr int flood_size = 25;

MaybeText task_of(const std::string& body) {
  const Json event = Json::parse(body, nullptr, false);
  const auto found = event.is_object() ? event.find("taskId") : event.end();
  if (!event.is_object() || found == event.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

void ProviderSide::plan_webhooks() {
  const std::optional<Instant> due = emulator_.next_webhook_at();
  if (!due || (webhooks_planned_for_ && *webhooks_planned_for_ <= *due)) return;
  webhooks_planned_for_ = due;
  world_.agenda.at(*due, [this] { send_webhooks(); });
}

void ProviderSide::send_webhooks() {
  webhooks_planned_for_.reset();
  for (const WebhookCall& call : emulator_.take_webhooks(world_.now(), 100)) {
    const Duration way = world_.chance.between(milliseconds(5), milliseconds(300));
    world_.agenda.in(way, [this, call] { deliver(call); });
    disturb(call);
  }
  plan_webhooks();
}

/// One of the provider's own, with its answer.
void ProviderSide::deliver(const WebhookCall& call) {
  const WorldFaults& faults = world_.settings.faults;
  bool is_answered = false;
  if (!world_.strikes(faults.webhook_unheard, "network: our server is away when a webhook comes")) {
    is_answered = receive(call.url, call.body) &&
                  !world_.strikes(faults.webhook_unanswered, "network: the answer to a webhook is lost");
  }
  emulator_.record_webhook(call.number, is_answered ? 200 : 0, "", world_.now());
  plan_webhooks();
}

/// What strangers do with what they saw, or think up.
void ProviderSide::disturb(const WebhookCall& call) {
  const int permille = world_.settings.faults.stranger;
  const auto later = [&](Duration most) { return world_.chance.between(milliseconds(10), most); };
  const auto send = [this](Duration rest, const std::string& url, const std::string& body) {
    world_.agenda.in(rest, [this, url, body] { (void)receive(url, body); });
  };
  if (world_.strikes(permille, "stranger: a webhook is replayed"))
    send(later(minutes(15)), call.url, call.body);
  if (world_.strikes(permille, "stranger: a webhook with an unknown token"))
    send(later(minutes(1)), "http://us/hook/" + std::to_string(world_.chance.draw()), call.body);
  if (world_.strikes(permille / 2, "stranger: a webhook of another task") && !tasks_.empty())
    send(later(seconds(5)), call.url, R"({"taskId":")" + tasks_.begin()->first + R"(","status":"SUCCESS"})");
  if (world_.strikes(permille / 4, "stranger: a flood of webhooks")) {
    for (int i = 0; i < flood_size; ++i)
      send(later(seconds(3)), call.url,
           R"({"taskId":")" + call.task_id + R"(","n":)" + std::to_string(i) + "}");
  }
}

/// Whether our server said 200.
bool ProviderSide::receive(const std::string& url, const std::string& body) {
  const WorldFaults& faults = world_.settings.faults;
  if (world_.strikes(faults.connection_lost, "database: a connection is lost before COMMIT")) return false;
  const std::string token = url.substr(url.rfind('/') + 1);
  const std::string outcome =
      world_.transact([&](LifeModel& model) { return model.receive_webhook(token, task_of(body), body); });
  world_.count("webhook: " + outcome);
  world_.tell("webhook ", outcome, " for ", token.substr(0, 8));
  Laws::check_bell(world_.model, token);
  return !world_.strikes(faults.commit_in_doubt, "database: the answer to a COMMIT is lost");
}

}  // namespace jobwatchdog::test
