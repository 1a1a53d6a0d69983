// A request as bytes: what is taken is the same however the network cuts it, and nothing of it can add a
// header or a second reply to ours.
#include <algorithm>
#include <tuple>

#include "native/http/wire.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

namespace http = boost::beast::http;

struct Reading {
  std::optional<HttpRequest> request;  ///< Nothing: refused, or not whole.
  std::size_t rest_size{0};            ///< What follows the request.

  bool operator==(const Reading& other) const {
    if (!request || !other.request) return request.has_value() == other.request.has_value();
    const auto parts = [](const Reading& of) {
      const HttpRequest& read = *of.request;
      return std::tie(read.method, read.path, read.query, read.headers, read.body, of.rest_size);
    };
    return parts(*this) == parts(other);
  }
};

/// Reads what comes in two pieces, as the server does.
Reading read(std::string arrived, std::string later) {
  RequestParser parser;
  parser.header_limit(1'024);
  parser.body_limit(2'048);
  parser.eager(true);
  while (!parser.is_done()) {
    boost::system::error_code error;
    const std::size_t size = parser.put(boost::asio::buffer(arrived), error);
    arrived.erase(0, size);
    if (error && error != http::error::need_more) return {};
    if (!error && size > 0) continue;
    if (later.empty()) return {};
    arrived += std::exchange(later, "");
  }
  arrived += later;
  if (has_ambiguous_length(parser.get())) return {};
  return {.request = request_of(parser.release(), "127.0.0.1"), .rest_size = arrived.size()};
}

bool is_plain(const std::string& text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos;
}

bool is_well_formed(const HttpRequest& request) {
  const bool has_plain_headers =
      std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
        return is_plain(header.first) && is_plain(header.second) &&
               std::none_of(header.first.begin(), header.first.end(),
                            [](char c) { return c >= 'A' && c <= 'Z'; });
      });
  return has_plain_headers && is_plain(request.path) && is_plain(request.query) &&
         request.body.size() <= 2'048;
}

/// Whether a reply that says everything back is one reply, with the headers that were meant.
bool is_one_reply(const HttpRequest& request, const std::string& input) {
  HttpReply reply{.headers = {{"x-target", request.path + "?" + request.query}, {"x-input", input}},
                  .body = request.body};
  for (const auto& [name, value] : request.headers) reply.headers["x-" + name] = value;
  const std::string text = wire_text(reply, false, true);
  http::response_parser<http::string_body> parser;
  parser.header_limit(1U << 20U);
  parser.eager(true);
  boost::system::error_code error;
  const std::size_t size = parser.put(boost::asio::buffer(text), error);
  if (error || !parser.is_done() || size != text.size()) return false;
  const auto& fields = parser.get();
  const auto count = static_cast<std::size_t>(std::distance(fields.begin(), fields.end()));
  // Content-Length and Connection are ours.
  return count == reply.headers.size() + 2 && fields.body() == request.body;
}

}  // namespace

Verdict http_request(const std::string& input) {
  const Reading whole = read(input, "");
  const std::size_t cut = input.empty() ? 0 : static_cast<unsigned char>(input.back()) * input.size() / 256;
  if (!(read(input.substr(0, cut), input.substr(cut)) == whole))
    return broken("a request is the same however it is cut");
  if (!whole.request) return refused();
  if (!is_well_formed(*whole.request))
    return broken("a request has no line breaks in its parts, and small names");
  return taken_under(is_one_reply(*whole.request, input), "what a request says is no header of the reply");
}

}  // namespace jobwatchdog::fuzz
