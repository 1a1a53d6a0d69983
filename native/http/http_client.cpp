// Calls to HTTP servers by libcurl's multi interface: one thread, kept connections, handles used again.
#include "native/http/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "core/require.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

/// One call under way. libcurl reads its texts where they are, so it never moves.
struct Transfer {
  HttpCall call;
  HttpAnswer answer;
  CURL* easy{nullptr};
  curl_slist* headers{nullptr};
  curl_mime* form{nullptr};
  std::size_t header_size{0};
  bool is_too_long{false};
  bool head_is_whole{false};  ///< The empty line behind the headers has come; libcurl does not insist on it.
  std::size_t file_offset{0};
  int sending_count{0};  ///< How often a connection stood and the request was about to be sent.
  Stopwatch stopwatch;

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    curl_slist_free_all(headers);
    curl_mime_free(form);
  }
};

bool is_blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// A line break in an address or a header would smuggle a header in; a NUL would cut it.
bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 || byte == 0x7f;
  });
}

// What libcurl calls back. Each gets the transfer as its last argument.

std::size_t take_body(const char* bytes, std::size_t size, std::size_t count, void* argument) {
  auto& transfer = *static_cast<Transfer*>(argument);
  std::string& body = transfer.answer.body;
  transfer.is_too_long = body.size() + size * count > transfer.call.reply_size_max;
  if (transfer.is_too_long) return 0;
  body.append(bytes, size * count);
  return size * count;
}

std::size_t take_header(const char* bytes, std::size_t size, std::size_t count, void* argument) {
  auto& transfer = *static_cast<Transfer*>(argument);
  const std::string_view line{bytes, size * count};
  transfer.header_size += line.size();
  transfer.is_too_long = transfer.header_size > transfer.call.reply_size_max;
  if (transfer.is_too_long) return 0;
  if (line.substr(0, 5) == "HTTP/") {  // Perhaps behind an interim reply.
    transfer.head_is_whole = false;
    transfer.answer.headers.clear();
  }
  if (transfer.head_is_whole) return line.size();  // A trailer.
  transfer.head_is_whole = trimmed(line).empty();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name{trimmed(line.substr(0, colon))};
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  transfer.answer.headers[name] = trimmed(line.substr(colon + 1));
  return line.size();
}

std::size_t give_file(char* bytes, std::size_t size, std::size_t count, void* argument) {
  auto& transfer = *static_cast<Transfer*>(argument);
  const std::size_t given = transfer.call.file->content->copy(bytes, size * count, transfer.file_offset);
  transfer.file_offset += given;
  return given;
}

/// Back to the start, when a connection that was kept turns out to be closed.
int seek_file(void* argument, curl_off_t offset, int /*origin: SEEK_SET*/) {
  static_cast<Transfer*>(argument)->file_offset = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// Called when the connection stands and before the first byte of the request goes out, also when libcurl
/// repeats it: so it tells not_sent from broken, and nothing passes it twice that must not.
int before_sending(void* argument, char* /*to*/, char* /*from*/, int /*to_port*/, int /*from_port*/) {
  auto& transfer = *static_cast<Transfer*>(argument);
  if (transfer.sending_count > 0 && !transfer.call.may_repeat) return CURL_PREREQFUNC_ABORT;
  ++transfer.sending_count;
  return CURL_PREREQFUNC_OK;
}

// How a call becomes options of a handle. libcurl copies texts, but not the body.

void set_reply(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
}

void set_connection(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  const HttpCall& call = transfer.call;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // A time-out does not wait for a resolver that hangs.
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.ms));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(call.total_timeout.ms));
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, call.may_repeat ? 0L : 1L);
  // HTTP/2 has reasons of its own to repeat a request.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   static_cast<long>(call.may_repeat ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  const char* authorities = std::getenv("SSL_CERT_FILE");
  if (authorities != nullptr && *authorities != '\0') curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
}

void set_form(Transfer& transfer) {
  transfer.form = curl_mime_init(transfer.easy);
  for (const auto& [name, content] : transfer.call.fields) {
    curl_mimepart* part = curl_mime_addpart(transfer.form);
    curl_mime_name(part, name.c_str());
    curl_mime_data(part, content.data(), content.size());
  }
  curl_mimepart* part = curl_mime_addpart(transfer.form);
  const HttpFile& file = *transfer.call.file;
  curl_mime_name(part, file.field.c_str());
  curl_mime_filename(part, file.name.c_str());
  curl_mime_data_cb(part, static_cast<curl_off_t>(file.content->size()), give_file, seek_file, nullptr,
                    &transfer);
  curl_easy_setopt(transfer.easy, CURLOPT_MIMEPOST, transfer.form);
}

void set_request(Transfer& transfer) {
  CURL* const easy = transfer.easy;
  const HttpCall& call = transfer.call;
  curl_easy_setopt(easy, CURLOPT_URL, call.url.c_str());
  if (call.file) {
    set_form(transfer);
  } else if (call.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    if (call.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
  // Without waiting for "100 Continue": a server that refuses to say it would get the request a second time.
  transfer.headers = curl_slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : call.headers)
    transfer.headers = curl_slist_append(transfer.headers, (name + ": " + value).c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
}

/// Why a call cannot be made at all, or "".
std::string refusal_of(const HttpCall& call) {
  if (has_control_character(call.url) || has_control_character(call.method))
    return "the address has a control character";
  for (const auto& [name, value] : call.headers) {
    if (has_control_character(name) || has_control_character(value))
      return "a header has a control character";
  }
  return "";
}

void finish(Transfer& transfer, CURLcode result) {
  HttpAnswer& answer = transfer.answer;
  answer.took = transfer.stopwatch.elapsed();
  if (result == CURLE_OK && transfer.head_is_whole) {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    answer.kind = HttpAnswer::Kind::replied;
    answer.status = static_cast<int>(status);
    return;
  }
  answer.kind = transfer.sending_count == 0 ? HttpAnswer::Kind::not_sent : HttpAnswer::Kind::broken;
  answer.error = result == CURLE_OK     ? "the reply was cut short"
                 : transfer.is_too_long ? "the reply is too long"
                                        : curl_easy_strerror(result);
  answer.headers.clear();
  answer.body.clear();
}

}  // namespace

struct HttpClient::State {
  CURLM* multi{curl_multi_init()};
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers;
  std::vector<CURL*> idle;  ///< Handles for the next calls; the connections belong to `multi`.
  std::vector<HttpAnswer> answers;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    while (!transfers.empty()) release(transfers.begin()->first);
    for (CURL* easy : idle) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  CURL* take_handle() {
    if (idle.empty()) return curl_easy_init();
    CURL* const easy = idle.back();
    idle.pop_back();
    return easy;
  }

  void release(CURL* easy) {
    curl_multi_remove_handle(multi, easy);
    curl_easy_reset(easy);
    idle.push_back(easy);
    transfers.erase(easy);
  }

  /// Does what can be done now, and picks up what is finished.
  void perform() {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const easy = message->easy_handle;
      Transfer& transfer = *transfers.at(easy);
      finish(transfer, message->data.result);
      answers.push_back(std::move(transfer.answer));
      release(easy);
    }
  }
};

HttpClient::HttpClient() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  require(ready == CURLE_OK, "libcurl can be initialised");
  state_ = std::make_unique<State>();
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

void HttpClient::start(HttpCall call) {
  require(call.connect_timeout.ms > 0 && call.total_timeout.ms > 0, "every call has an end");
  auto transfer = std::make_unique<Transfer>();
  transfer->answer.number = call.number;
  transfer->answer.error = refusal_of(call);
  if (!transfer->answer.error.empty()) {
    transfer->answer.kind = HttpAnswer::Kind::not_sent;
    state_->answers.push_back(std::move(transfer->answer));
    return;
  }
  transfer->call = std::move(call);
  transfer->easy = state_->take_handle();
  set_reply(*transfer);
  set_connection(*transfer);
  set_request(*transfer);
  CURL* const easy = transfer->easy;
  state_->transfers[easy] = std::move(transfer);
  curl_multi_add_handle(state_->multi, easy);
}

std::vector<HttpAnswer> HttpClient::wait(Duration patience) {
  const Stopwatch waited;
  while (state_->answers.empty() && !state_->transfers.empty()) {
    state_->perform();
    const Duration left = patience - waited.elapsed();
    if (!state_->answers.empty() || left.ms <= 0) break;
    curl_multi_poll(state_->multi, nullptr, 0, static_cast<int>(std::min<std::int64_t>(left.ms, 60'000)),
                    nullptr);
  }
  return std::exchange(state_->answers, {});
}

std::size_t HttpClient::under_way() const { return state_->transfers.size() + state_->answers.size(); }

}  // namespace jobwatchdog
