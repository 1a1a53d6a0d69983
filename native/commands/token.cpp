// `jobwatchdog token`: a token for development, so that a page or curl can be somebody without a login.
#include <ctime>
#include <iostream>

#include "core/duration_text.hpp"
#include "native/access/jwt.hpp"
#include "native/commands.hpp"
#include "native/json_text.hpp"

namespace jobwatchdog {

ExitCode run_token(const GlobalOptions& global, const TokenCommand& command) {
  const Result<Duration> lifetime = parse_duration(command.expires_after);
  if (!lifetime.ok())
    return report({ExitCode::usage, {{"--expires-after", lifetime.error().what, lifetime.error().mend}}});
  const char* secret = std::getenv("WATCHDOG_JWT_SECRET");
  if (secret == nullptr || *secret == '\0')
    return report({ExitCode::configuration,
                   {{"WATCHDOG_JWT_SECRET", "it is not set, so nothing can be signed",
                     "set it to the secret that your server checks tokens with"}}});
  const std::int64_t now_s = std::time(nullptr);
  const std::int64_t expires_at_s = now_s + lifetime.value().ms / 1000;
  nlohmann::json claims{
      {"iss", "jobwatchdog"}, {"role", command.role}, {"iat", now_s}, {"exp", expires_at_s}};
  if (!command.user.empty()) claims.update({{"sub", command.user}, {"aud", "authenticated"}});
  const Result<std::string> token = sign_token(claims, Secret{secret});
  if (!token.ok()) return report({ExitCode::configuration, {token.error()}});
  if (global.json) {
    std::cout << json_document({{"token", token.value()}, {"claims", claims}});
  } else {
    std::cout << token.value() << "\n";
  }
  return ExitCode::done;
}

}  // namespace jobwatchdog
