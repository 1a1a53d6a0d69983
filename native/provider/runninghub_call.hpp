/// A question to RunningHub as the HTTP call that asks it.
#pragma once

#include "native/http/http_client.hpp"
#include "native/provider/accounts.hpp"
#include "native/provider/provider.hpp"
#include "native/provider/runninghub.hpp"

namespace jobwatchdog {

/// The two interfaces of RunningHub.
enum class RunningHubApi { v2, v1 };

/// Why the question cannot be asked at all, or "".
[[nodiscard]] std::string refusal_of(const ProviderQuestion& question);

/// The first interface that is asked.
[[nodiscard]] RunningHubApi first_api_for(ProviderQuestion::Kind kind);

/// Whether v1 has an endpoint that answers the same, for when v2's is not there.
[[nodiscard]] bool has_second_api(ProviderQuestion::Kind kind);

[[nodiscard]] HttpCall runninghub_call(const ProviderQuestion& question, const ProviderAccount& account,
                                       RunningHubApi api, const RunningHubOptions& options);

}  // namespace jobwatchdog
