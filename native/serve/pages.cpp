// Reading a directory of built pages, and the headers that keep them safe. Source: invariants.md S18 and S19,
// stack.md 1.2.
#include "native/serve/pages.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "native/http/request_header.hpp"
#include "native/serve/etag.hpp"
#include "native/serve/url_query.hpp"

namespace jobwatchdog {
namespace {

namespace fs = std::filesystem;

/// Scripts and WebAssembly of the page's own; talk with its own server, sockets too; pictures and films also
/// from elsewhere, since results lie at the provider's.
constexpr const char* content_security_policy =
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    "img-src 'self' https: data: blob:; media-src 'self' https: data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

constexpr auto content_types = std::to_array<std::pair<std::string_view, const char*>>({
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/vnd.microsoft.icon"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".mp3", "audio/mpeg"},
    {".woff", "font/woff"},
    {".woff2", "font/woff2"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".xml", "application/xml"},
    {".pdf", "application/pdf"},
});

const char* content_type_of(const fs::path& file) {
  const std::string ending = file.extension().string();
  const auto* const found = std::find_if(content_types.begin(), content_types.end(),
                                         [&](const auto& type) { return type.first == ending; });
  return found == content_types.end() ? "application/octet-stream" : found->second;
}

/// Whether a name bears a hash of its content, as bundlers name what they put into directories:
/// "assets/index-DiwrgTda.js", "static/main.1a2b3c4d.css". Then it never changes.
bool is_hashed(const fs::path& file) {
  if (!file.has_parent_path()) return false;
  const std::string stem = file.stem().string();
  const std::size_t mark = stem.find_last_of(stem.find('.') == std::string::npos ? "-" : ".");
  if (mark == std::string::npos) return false;
  const std::string hash = stem.substr(mark + 1);
  const auto has = [&](int (*kind)(int)) {
    return std::any_of(hash.begin(), hash.end(), [&](unsigned char c) { return kind(c) != 0; });
  };
  const bool is_word =
      std::all_of(hash.begin(), hash.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  const int kind_count = static_cast<int>(has(std::isdigit)) + static_cast<int>(has(std::islower)) +
                         static_cast<int>(has(std::isupper));
  return is_word && hash.size() >= 8 && kind_count >= 2;
}

HttpReply reply_with(const fs::path& file, std::string content) {
  HttpReply reply{
      .headers = {{"content-type", content_type_of(file)},
                  {"content-security-policy", content_security_policy},
                  {"x-content-type-options", "nosniff"},
                  {"referrer-policy", "no-referrer"},
                  {"etag", etag_of(content)},
                  {"cache-control", is_hashed(file) ? "public, max-age=31536000, immutable" : "no-cache"}}};
  reply.file = std::make_shared<const std::string>(std::move(content));
  return reply;
}

/// Reads a directory file by file, as long as they fit.
class Loader {
 public:
  explicit Loader(fs::path root) : root_(std::move(root)) {}

  Result<std::map<std::string, HttpReply>> load() {
    std::error_code error;
    const fs::path home = fs::canonical(root_, error);
    fs::recursive_directory_iterator entry{root_, error};
    for (; !error && entry != fs::end(entry); entry.increment(error)) {
      if (entry->path().filename().string().starts_with('.')) {
        entry.disable_recursion_pending();
      } else if (auto problem = take(*entry, home)) {
        return *problem;
      }
    }
    if (error)
      return problem_at(root_, "cannot be read: " + error.message(),
                        "name the directory that the build of the pages wrote, such as dist");
    if (!replies_.contains("/index.html"))
      return problem_at(root_, "has no index.html",
                        "name the directory that the build of the pages wrote, such as dist");
    return std::move(replies_);
  }

 private:
  static Problem problem_at(const fs::path& place, const std::string& what, const std::string& mend) {
    return {"--pages " + place.string(), what, mend};
  }

  std::optional<Problem> take(const fs::directory_entry& entry, const fs::path& home) {
    std::error_code error;
    if (entry.is_symlink(error) && !leads_to_file_inside(entry.path(), home))
      return problem_at(entry.path(), "is a link, and not to a file of the same directory",
                        "put the file itself there");
    if (!entry.is_regular_file(error)) return std::nullopt;
    std::ifstream stream{entry.path(), std::ios::binary};
    const std::uintmax_t size = entry.file_size(error);
    if (error || size > Pages::size_max - size_)
      return problem_at(root_, "is too large: more than 64 MB",
                        "name the directory of the built pages alone, and serve large files from elsewhere");
    std::string content(size, '\0');
    if (!stream.read(content.data(), static_cast<std::streamsize>(size)))
      return problem_at(entry.path(), "cannot be read", "let this user read it");
    size_ += size;
    const fs::path file = entry.path().lexically_relative(root_);
    replies_.emplace("/" + file.generic_string(), reply_with(file, std::move(content)));
    return std::nullopt;
  }

  static bool leads_to_file_inside(const fs::path& link, const fs::path& home) {
    std::error_code error;
    const fs::path end = fs::canonical(link, error);
    const auto [rest, place] = std::mismatch(home.begin(), home.end(), end.begin(), end.end());
    return !error && rest == home.end() && fs::is_regular_file(end, error);
  }

  fs::path root_;
  std::size_t size_{0};
  std::map<std::string, HttpReply> replies_;
};

}  // namespace

Result<Pages> Pages::load(const std::string& directory) {
  Result<std::map<std::string, HttpReply>> replies = Loader{fs::path{directory}.lexically_normal()}.load();
  if (!replies.ok()) return replies.error();
  Pages pages;
  pages.replies_ = std::move(replies.value());
  return pages;
}

std::optional<HttpReply> Pages::answer(const HttpRequest& request) const {
  std::string path = decode_url_path(request.path).value_or("");
  if (path.ends_with('/')) path += "index.html";
  auto found = replies_.find(path);
  const bool is_navigation = header(request, "accept").find("text/html") != std::string::npos;
  if (found == replies_.end() && is_navigation) found = replies_.find("/index.html");
  if (found == replies_.end()) return std::nullopt;
  HttpReply reply = found->second;
  if (has_etag(header(request, "if-none-match"), reply.headers["etag"])) {
    reply.status = 304;
    reply.file.reset();
  }
  return reply;
}

}  // namespace jobwatchdog
