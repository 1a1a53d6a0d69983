/// The flags as handlers ask for them: those of environment and file, and the table read again now and then.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "native/connection_pool.hpp"
#include "native/flags.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {

class LiveFlags {
 public:
  LiveFlags(std::shared_ptr<ConnectionPool> connections, Configuration configuration)
      : connections_(std::move(connections)), configuration_(std::move(configuration)) {}

  /// The flags of this moment, at most `flags_are_read_every` old. While the table cannot be read, what it
  /// said before; at first, that nobody knows.
  [[nodiscard]] std::shared_ptr<const Flags> get();
  /// The next one who asks reads the table.
  void forget();
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }

 private:
  std::shared_ptr<ConnectionPool> connections_;
  Configuration configuration_;
  std::mutex mutex_;
  std::shared_ptr<const Flags> flags_;
  std::optional<Stopwatch> since_reading_;
};

}  // namespace jobwatchdog
