/// Requests and replies as they go over the wire, apart from the sockets that carry them.
#pragma once

#include <boost/beast/http.hpp>
#include <optional>
#include <string>

#include "native/http/http_server.hpp"

namespace jobwatchdog {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

/// What was read. A repeated header becomes one, joined by ", ".
[[nodiscard]] HttpRequest request_of(RequestParser::value_type message, const std::string& peer);

/// Why a request is refused whose header is whole: what two servers might read as two different requests.
/// Source: RFC 9112, section 6.1.
[[nodiscard]] bool has_ambiguous_length(const RequestParser::value_type& message);

/// The status for a request that could not be read, or nothing when there is nobody left to tell.
[[nodiscard]] std::optional<int> status_of(const boost::system::error_code& error);

/// The reply to a request that could not be read: 400, 413, 431.
[[nodiscard]] HttpReply refusal_to_read(int status);

/// The reply without its file. HEAD is answered like GET without the body. A line break in a header's value
/// becomes a blank, for it would begin a header of its own.
[[nodiscard]] std::string wire_text(const HttpReply& reply, bool is_head, bool keep_alive);

}  // namespace jobwatchdog
