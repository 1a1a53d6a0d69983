// Who asks, by its headers: the lines are Authorization, apikey, X-Cron-Secret and User-Agent. "$user" and
// the like stand for credentials that are good.
#include "native/access/caller.hpp"

#include <algorithm>

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

using Kind = Caller::Kind;

constexpr std::int64_t now_ms = 1'800'000'000'000;
constexpr const char* user_id = "a0000000-0000-4000-8000-00000000000a";

struct Credential {
  std::string word;
  std::string text;
  Kind kind;
};

std::string token(const char* role, const char* subject) {
  return sign_token({{"role", role}, {"sub", subject}, {"exp", 1'900'000'000}},
                    Secret{"a secret of fuzzers, thirty-two bytes or more"})
      .value();
}

const std::vector<Credential>& credentials() {
  static const std::vector<Credential> all{{"$user", token("authenticated", user_id), Kind::user},
                                           {"$service", token("service_role", ""), Kind::service},
                                           {"$anon", token("anon", ""), Kind::anon},
                                           {"$nobody", token("authenticated", "no uuid"), Kind::nobody},
                                           {"$publishable", "sb_publishable_0123456789abcdef", Kind::anon},
                                           {"$secret", "sb_secret_0123456789abcdef0123", Kind::service},
                                           {"$cron", "cron-0123456789abcdef0123", Kind::cron}};
  return all;
}

const AccessSettings& settings() {
  static const AccessSettings made = [] {
    AccessSettings access;
    (void)access.token_keys.add_secret(Secret{"a secret of fuzzers, thirty-two bytes or more"});
    access.publishable_keys.add(Secret{"sb_publishable_0123456789abcdef"});
    access.secret_keys.add(Secret{"sb_secret_0123456789abcdef0123"});
    access.cron_secrets.add(Secret{"cron-0123456789abcdef0123"});
    return access;
  }();
  return made;
}

std::string with_credentials(std::string text) {
  for (const Credential& credential : credentials()) {
    for (std::size_t at = 0; (at = text.find(credential.word, at)) != std::string::npos;
         at += credential.text.size())
      text.replace(at, credential.word.size(), credential.text);
  }
  return text;
}

/// Whether one of the three headers is exactly a credential of that kind.
bool bears(const std::vector<std::string>& headers, Kind kind) {
  return std::any_of(credentials().begin(), credentials().end(), [&](const Credential& credential) {
    return credential.kind == kind && (headers[0] == "Bearer " + credential.text ||
                                       headers[1] == credential.text || headers[2] == credential.text);
  });
}

}  // namespace

Verdict caller(const std::string& input) {
  std::vector<std::string> headers = lines_of(with_credentials(input), 4);
  HttpRequest request;
  request.headers = {{"authorization", headers[0]},
                     {"apikey", headers[1]},
                     {"x-cron-secret", headers[2]},
                     {"user-agent", headers[3]}};
  const Result<Caller, CallerFault> identified = identify(settings(), request, now_ms);
  if (!identified.ok()) return refused();
  const Caller& who = identified.value();
  if (who.kind != Kind::nobody && !bears(headers, who.kind))
    return broken("a caller is what one of its credentials says");
  if (who.is_user() != (who.user_id == user_id)) return broken("a user, and nobody else, has the user's id");
  const std::string secret = "sb_secret_0123456789abcdef0123";
  const bool bears_secret_key = headers[0] == "Bearer " + secret || headers[1] == secret;
  if (who.is_service() && headers[3].starts_with("Mozilla/") && bears_secret_key &&
      !bears({headers[0] == "Bearer " + secret ? "" : headers[0], "", ""}, Kind::service))
    return broken("a secret key in a browser is not believed");
  const bool is_trusted = session_of(who).role == "service_role";
  return taken_under(is_trusted == (who.is_service() || who.kind == Kind::cron),
                     "the database trusts the service and cron, and nobody else");
}

}  // namespace jobwatchdog::fuzz
