// Sending files to the provider.
#include "native/serve/uploads.hpp"

#include <utility>

namespace jobwatchdog {
namespace {

/// A new file waits at most so long for its turn while others are under way.
constexpr Duration patience = milliseconds(20);

}  // namespace

Uploads::Uploads(std::unique_ptr<Provider> provider, Room room)
    : provider_(std::move(provider)), room_(room) {
  if (provider_) thread_ = std::thread{[this] { run(); }};
}

Uploads::~Uploads() {
  {
    const std::lock_guard lock{mutex_};
    stops_ = true;
  }
  stirred_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<void> Uploads::place_for(const std::string& user, std::size_t size) {
  const std::lock_guard lock{mutex_};
  const auto known = files_of_users_.find(user);
  const bool has_enough =
      !user.empty() && known != files_of_users_.end() && known->second >= room_.files_of_user_max;
  if (has_enough || size > room_.size - size_) return nullptr;
  size_ += size;
  ++files_of_users_[user];
  return {this, [user, size](Uploads* uploads) {
            const std::lock_guard held{uploads->mutex_};
            uploads->size_ -= size;
            const auto place = uploads->files_of_users_.find(user);
            if (--place->second == 0) uploads->files_of_users_.erase(place);
          }};
}

std::shared_ptr<const Upload> Uploads::send(const std::string& account, const std::string& name,
                                            std::shared_ptr<const std::string> content,
                                            std::shared_ptr<void> place) {
  auto upload = std::make_shared<Upload>(Upload{std::make_shared<Bell>(), std::move(place)});
  ProviderQuestion question{.kind = ProviderQuestion::Kind::upload, .account = account};
  question.file_name = name;
  question.file_content = std::move(content);
  {
    const std::lock_guard lock{mutex_};
    question.number = next_number_++;
    under_way_.emplace(question.number, upload);
    questions_.push_back(std::move(question));
  }
  stirred_.notify_all();
  return upload;
}

std::optional<ProviderAnswer> Uploads::answer_of(const Upload& upload) {
  const std::lock_guard lock{mutex_};
  return upload.answer;
}

void Uploads::run() {
  for (;;) {
    std::vector<ProviderQuestion> asked;
    {
      std::unique_lock lock{mutex_};
      stirred_.wait(lock, [this] { return stops_ || !under_way_.empty(); });
      if (stops_) return;
      asked.swap(questions_);
    }
    for (ProviderQuestion& question : asked) provider_->ask(std::move(question));
    for (ProviderAnswer& answer : provider_->wait(patience)) take(std::move(answer));
  }
}

void Uploads::take(ProviderAnswer answer) {
  std::shared_ptr<Upload> upload;
  {
    const std::lock_guard lock{mutex_};
    const auto place = under_way_.find(answer.number);
    if (place == under_way_.end()) return;
    upload = std::move(place->second);
    under_way_.erase(place);
    upload->answer = std::move(answer);
  }
  upload->place.reset();
  upload->news->ring();
}

}  // namespace jobwatchdog
