/// Reading what RunningHub sends, in every shape of v1 and v2 that was ever seen, whichever was asked for.
///
/// Reading only: what it means, core/runninghub_codes.hpp tells.
#pragma once

#include <string>

#include "core/runninghub_codes.hpp"
#include "native/http/http_client.hpp"
#include "native/provider/provider.hpp"
#include "native/secret.hpp"

namespace jobwatchdog {

/// Reads a reply. It is unreadable when it contradicts itself, or tells of another task than `task_id` ("" =
/// of any). `key` is in none of its texts.
/** Source: protocols.md sections 1.1 and 1.4. */
[[nodiscard]] RunningHubReply read_runninghub_reply(const HttpAnswer& answer, const std::string& task_id,
                                                    const Secret& key);

/// The name of an uploaded file as an input wants it; "" when the upload was not accepted.
[[nodiscard]] std::string read_uploaded_name(const HttpAnswer& answer, const Secret& key);

/// What the provider knows of a webhook; of another task's it knows nothing.
[[nodiscard]] WebhookDetail read_webhook_detail(const HttpAnswer& answer, const std::string& task_id,
                                                const Secret& key);

/// What came to our webhook. Anybody may have sent it: it says which task to ask about, and no more.
struct WebhookEvent {
  bool is_task_end{false};
  std::string task_id;  ///< "" when there is none, or more than one.
  std::string words;    ///< The body as evidence: JSON, without secrets, at most 2 KB.
};

/** Source: protocols.md section 1.5. */
[[nodiscard]] WebhookEvent parse_webhook(const std::string& body);

}  // namespace jobwatchdog
