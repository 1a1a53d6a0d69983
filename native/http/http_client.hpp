/// The one door out to HTTP servers: many calls at once on libcurl multi. Errors are values.
///
/// A call is started and its answer picked up later, so that one thread keeps hundreds under way. Only the
/// caller knows whether a call may be made twice, so only a call that may is ever repeated in here: libcurl
/// sends it again when a kept connection turns out to be closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace jobwatchdog {

/// A file to send as a part of multipart/form-data.
struct HttpFile {
  std::string field;                           ///< The part's name.
  std::string name;                            ///< The file's name as the server shall see it.
  std::shared_ptr<const std::string> content;  ///< Read where it is, however large.
};

struct HttpCall {
  std::uint64_t number{0};  ///< The caller's own; its answer bears it.
  std::string method{"POST"};
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  ///< Of a form with `file`; without one unused.
  std::optional<HttpFile> file;                             ///< Sends a form instead of `body`.
  Duration connect_timeout{seconds(5)};
  Duration total_timeout{seconds(10)};
  std::size_t reply_size_max{1'048'576};  ///< In bytes, of headers and body each; a longer reply is broken.
  bool may_repeat{true};                  ///< false: sent at most once, on a connection of its own making.
};

struct HttpAnswer {
  enum class Kind {
    replied,   ///< The server answered, with whatever status.
    not_sent,  ///< The server cannot have seen the call: no connection came about.
    broken,    ///< It may have: time-out, cut connection, a reply too long.
  };

  std::uint64_t number{0};
  Kind kind{Kind::broken};
  int status{0};
  std::map<std::string, std::string> headers;  ///< Names in small letters; of repeated ones the last.
  std::string body;
  std::string error;  ///< Why it was not sent or broke: fixed words, so nothing of the call is in them.
  Duration took{};
};

/// Used by one thread. Redirects are not followed, proxies of the environment are obeyed, TLS is verified
/// (against SSL_CERT_FILE where that is set).
class HttpClient {
 public:
  HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();  ///< Drops what is under way.

  /// Starts a call. Only http: and https: are spoken. A call that cannot be started is answered as not_sent.
  void start(HttpCall call);
  /// Works for at most `patience`, but returns with the first answers that there are. May give none; with
  /// nothing under way it does so at once.
  [[nodiscard]] std::vector<HttpAnswer> wait(Duration patience);
  [[nodiscard]] std::size_t under_way() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jobwatchdog
