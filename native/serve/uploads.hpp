/// Files on their way from pages to the provider: handlers hand them over, a thread of its own sends them.
///
/// A file is held whole while it is under way, so what bounds memory is places: the bytes of all files at
/// once, and how many of one user. Source: invariants.md S16 and S17, protocols.md 1.6.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "native/bell.hpp"
#include "native/provider/provider.hpp"

namespace jobwatchdog {

/// The largest file that the provider takes (v1: 809 beyond it).
inline constexpr std::size_t file_size_max = 30UL * 1'024 * 1'024;
/// A client's time for its file, and the provider's for it (RunningHubOptions, twice for the second API).
inline constexpr Duration upload_timeout = seconds(120);
inline constexpr Duration provider_patience = seconds(250);

/// One file at the provider.
struct Upload {
  std::shared_ptr<Bell> news;   ///< Rings when the answer is there.
  std::shared_ptr<void> place;  ///< Let go then.
  std::optional<ProviderAnswer> answer{};
};

class Uploads {
 public:
  struct Room {
    std::size_t size{128UL * 1'024 * 1'024};  ///< Bytes of all files under way.
    std::size_t files_of_user_max{2};
  };

  /// nullptr: no account has a key; then no file is taken.
  explicit Uploads(std::unique_ptr<Provider> provider) : Uploads(std::move(provider), Room{}) {}
  Uploads(std::unique_ptr<Provider> provider, Room room);
  /// Drops what is under way.
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  /// A place for a file of that many bytes, kept until it is let go; nullptr when there is no room now. ""
  /// is the service, which may have as many as there is room for. A place must not outlive this.
  [[nodiscard]] std::shared_ptr<void> place_for(const std::string& user, std::size_t size);
  /// Sends a file that has a place to that account.
  [[nodiscard]] std::shared_ptr<const Upload> send(const std::string& account, const std::string& name,
                                                   std::shared_ptr<const std::string> content,
                                                   std::shared_ptr<void> place);
  /// What the provider said; nothing before it did.
  [[nodiscard]] std::optional<ProviderAnswer> answer_of(const Upload& upload);
  [[nodiscard]] bool has_provider() const { return provider_ != nullptr; }

 private:
  void run();
  void take(ProviderAnswer answer);

  const std::unique_ptr<Provider> provider_;  ///< Of the thread alone.
  const Room room_;
  std::mutex mutex_;
  std::condition_variable stirred_;
  std::size_t size_{0};  ///< Of all that hold a place.
  std::map<std::string, std::size_t> files_of_users_;
  std::uint64_t next_number_{1};
  std::vector<ProviderQuestion> questions_;
  std::map<std::uint64_t, std::shared_ptr<Upload>> under_way_;
  bool stops_{false};
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace jobwatchdog
