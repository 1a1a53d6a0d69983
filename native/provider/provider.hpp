/// The provider as the rest of jobwatchdog sees it: questions go in, classified answers come out.
///
/// One interface for every provider; runninghub.hpp is the first. Questions to one account keep its limits:
/// so many at once, none while the circuit is open or Retry-After runs. A key is never part of a question or
/// an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "core/verdict.hpp"

namespace jobwatchdog {

/// One input of a task: a node of the provider's workflow, the field, and what it is set to. All texts.
struct TaskInput {
  std::string node_id;
  std::string field_name;
  std::string field_value;
};

struct ProviderQuestion {
  enum class Kind {
    submit,          ///< Start a task: app_id, inputs, webhook_url. Made once, never repeated.
    query,           ///< What became of task_id?
    cancel,          ///< End task_id. Asked for, not proved: query tells.
    webhook_detail,  ///< What became of the webhook of task_id?
    upload,          ///< Send a file: file_name, file_content.
  };

  std::uint64_t number{0};  ///< The caller's own; the answer bears it.
  Kind kind{Kind::query};
  std::string account;
  std::string task_id{};
  std::string app_id{};
  std::vector<TaskInput> inputs{};
  std::string webhook_url{};
  std::string file_name{};
  std::shared_ptr<const std::string> file_content{};
};

/// What the provider knows of the webhook that it owed us.
struct WebhookDetail {
  bool is_known{false};  ///< false: the provider gave no usable answer, or has none.
  std::string status;    ///< "SUCCESS", "FAILED", or whatever it says.
  std::string token;     ///< Last segment of the address that it was for: whose task it is. A secret.
  int retry_count{0};
  std::string response;  ///< What our server answered, in the provider's words, shortened.
};

struct ProviderAnswer {
  std::uint64_t number{0};
  ProviderQuestion::Kind kind{ProviderQuestion::Kind::query};
  Submission submission{};   ///< Of a submit.
  Verdict verdict{};         ///< Of a query.
  bool was_accepted{false};  ///< Of a cancel or an upload: the provider said yes.
  std::string file_name{};   ///< Of an upload: the name to use as an input.
  WebhookDetail webhook{};   ///< Of a webhook_detail.
  std::string words{};  ///< The provider's own words as one JSON text, without keys and tokens, at most 2 KB;
                        ///< evidence.
  Duration took{};
};

/// Used by one thread.
class Provider {
 public:
  virtual ~Provider() = default;

  /// Takes a question. It is sent when the limits of its account allow.
  virtual void ask(ProviderQuestion question) = 0;
  /// Works for at most `patience`, but returns with the first answers that there are. May give none; with
  /// nothing under way it rests for all of it.
  [[nodiscard]] virtual std::vector<ProviderAnswer> wait(Duration patience) = 0;
  /// Questions without an answer yet.
  [[nodiscard]] virtual std::size_t under_way() const = 0;
};

}  // namespace jobwatchdog
