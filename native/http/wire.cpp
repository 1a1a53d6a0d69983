// Reading and writing HTTP/1.1 messages.
#include "native/http/wire.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace jobwatchdog {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string small_letters(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

/// Values with a line break would add headers of their own, and no header has another control character.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; }, ' ');
  return text;
}

}  // namespace

HttpRequest request_of(RequestParser::value_type message, const std::string& peer) {
  HttpRequest request;
  request.method = std::string{message.method_string()};
  const std::string target{message.target()};
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  for (const auto& field : message) {
    auto [place, is_new] =
        request.headers.try_emplace(small_letters(field.name_string()), std::string{field.value()});
    // A repeated header becomes one, so that nobody can hide a second value behind a first.
    if (!is_new) place->second += ", " + std::string{field.value()};
  }
  request.body = std::move(message.body());
  request.peer = peer;
  return request;
}

bool has_ambiguous_length(const RequestParser::value_type& message) {
  const auto encodings = message.count(http::field::transfer_encoding);
  if (encodings == 0) return false;
  return encodings > 1 || message.count(http::field::content_length) > 0 ||
         !beast::iequals(message[http::field::transfer_encoding], "chunked");
}

std::optional<int> status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  const bool is_malformed = error.category() == make_error_code(http::error::bad_method).category();
  const bool is_gone = error == http::error::end_of_stream || error == http::error::partial_message;
  return is_malformed && !is_gone ? std::optional<int>{400} : std::nullopt;
}

HttpReply refusal_to_read(int status) {
  const std::string words = status == 431   ? "The header is too large.\n"
                            : status == 413 ? "The body is too large.\n"
                                            : "This is no request that this server understands.\n";
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = words};
}

std::string wire_text(const HttpReply& reply, bool is_head, bool keep_alive) {
  const bool has_body = reply.status >= 200 && reply.status != 204 && reply.status != 304;
  std::string text =
      "HTTP/1.1 " + std::to_string(reply.status) + " " +
      std::string{http::obsolete_reason(http::int_to_status(static_cast<unsigned>(reply.status)))};
  text += "\r\n";
  for (const auto& [name, value] : reply.headers) text += one_line(name) + ": " + one_line(value) + "\r\n";
  const std::size_t size = reply.file ? reply.file->size() : reply.body.size();
  if (has_body) text += "Content-Length: " + std::to_string(size) + "\r\n";
  text += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (has_body && !is_head && !reply.file) text += reply.body;
  return reply.cut_short ? text.substr(0, text.size() / 2) : text;
}

}  // namespace jobwatchdog
