// Reading who is believed.
#include "native/access/access_settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "native/http/web_address.hpp"
#include "native/wall_clock.hpp"
#include "native/word_list.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t key_size_min = 20;  ///< A shorter one could be guessed.

std::string text_of_environment(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  return text == nullptr ? "" : text;
}

/// "https://app.example" or "http://127.0.0.1:5173": no path, no wildcard.
bool is_origin(const std::string& text) {
  const std::size_t host = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  return host != 0 && text.size() > host && text.find_first_of("/*?#@ ", host) == std::string::npos;
}

/// Why keys cannot be fetched from an address. What anybody between could change is not believed.
std::optional<Problem> problem_of_keys_address(const std::string& url) {
  const std::optional<WebAddress> address = parse_web_address(url);
  const bool is_address = address && !address->path.empty() && !address->has_user;
  if (is_address && travels_safely(*address)) return std::nullopt;
  return Problem{"WATCHDOG_JWKS_URL",
                 is_address ? "would let anybody between here and there put in keys of their own"
                            : "is no address of a set of keys",
                 "use https://, such as https://REF.supabase.co/auth/v1/.well-known/jwks.json; http:// only "
                 "goes to this machine"};
}

class Reader {
 public:
  Result<AccessSettings, std::vector<Problem>> read() {
    read_tokens();
    read_keys("WATCHDOG_PUBLISHABLE_KEYS", "sb_publishable_", settings_.publishable_keys);
    read_keys("WATCHDOG_SECRET_KEYS", "sb_secret_", settings_.secret_keys);
    read_keys("WATCHDOG_CRON_SECRETS", "", settings_.cron_secrets);
    read_origins();
    const std::string keys_url = text_of_environment("WATCHDOG_JWKS_URL");
    if (!keys_url.empty()) take("WATCHDOG_JWKS_URL", problem_of_keys_address(keys_url));
    if (!problems_.empty()) return problems_;
    if (!keys_url.empty()) settings_.issuer_keys = std::make_shared<IssuerKeys>(keys_url, wall_clock_ms());
    return std::move(settings_);
  }

 private:
  Secret secret(const std::string& name) {
    Result<Secret> secret = secret_of_environment(name);
    if (secret.ok()) return secret.value();
    problems_.push_back(secret.error());
    return Secret{};
  }

  void take(const std::string& name, const std::optional<Problem>& problem) {
    if (problem) problems_.push_back({name, problem->what, problem->mend});
  }

  void read_tokens() {
    if (const Secret shared = secret("WATCHDOG_JWT_SECRET"); !shared.empty())
      take("WATCHDOG_JWT_SECRET", settings_.token_keys.add_secret(shared));
    if (const Secret keys = secret("WATCHDOG_JWKS"); !keys.empty())
      take("WATCHDOG_JWKS", settings_.token_keys.add_public_keys(keys.reveal()));
    settings_.token_policy.issuer = text_of_environment("WATCHDOG_JWT_ISSUER");
    settings_.token_policy.audience = text_of_environment("WATCHDOG_JWT_AUDIENCE");
  }

  void read_keys(const std::string& name, const std::string& beginning, KeyRing& ring) {
    for (const std::string& key : words_of(secret(name).reveal())) {
      if (!key.starts_with(beginning) || key.size() < key_size_min) {
        problems_.push_back({name,
                             beginning.empty()
                                 ? "a secret is shorter than 20 characters"
                                 : "a key does not begin with " + beginning + " or is too short",
                             "make one: echo \"" + beginning + "$(openssl rand -hex 24)\""});
        continue;
      }
      ring.add(Secret{key});
    }
  }

  void read_origins() {
    const std::string name = "WATCHDOG_CORS_ORIGINS";
    for (const std::string& origin : words_of(text_of_environment(name))) {
      if (is_origin(origin)) {
        settings_.origins.insert(origin);
      } else {
        problems_.push_back({name, "\"" + origin + "\" is no origin",
                             "write scheme, host and port of each page, such as https://app.example"});
      }
    }
  }

  AccessSettings settings_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<Secret> secret_of_environment(const std::string& name) {
  const std::string text = text_of_environment(name);
  const std::string path = text_of_environment(name + "_FILE");
  if (!text.empty() || path.empty()) return Secret{text};
  std::ifstream file{path, std::ios::binary};
  std::ostringstream content;
  content << file.rdbuf();
  if (!file)
    return Problem{name + "_FILE", "the file " + path + " cannot be read",
                   "name a file that this user may read"};
  std::string secret = content.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return Secret{secret};
}

Result<AccessSettings, std::vector<Problem>> access_settings_of_environment() { return Reader{}.read(); }

}  // namespace jobwatchdog
