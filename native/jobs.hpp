/// What the commands about single jobs share: a job by its id, and its age.
#pragma once

#include <string>

#include "native/json_text.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

struct FoundJob {
  std::string tool;
  std::string table;
  std::string id;
};

/// The job of that id in whatever table. Failure: it is none, or two tables have it.
[[nodiscard]] Outcome<FoundJob> find_job(Connection& connection, const std::string& id);

/// A cell as JSON; NULL is null.
[[nodiscard]] inline nlohmann::json json_of(const Text& text) {
  return text ? nlohmann::json(*text) : nlohmann::json();
}

/// "3 h 12 min", as coarse as a person wants it.
[[nodiscard]] std::string age_text(Duration age);

}  // namespace jobwatchdog
