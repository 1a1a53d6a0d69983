/// Replies as PostgREST shapes them. Source: protocols.md 3.2.
#pragma once

#include <string>
#include <vector>

#include "native/database.hpp"
#include "native/http/http_server.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// {code, details, hint, message}
[[nodiscard]] HttpReply rest_error(int status, const std::string& code, const std::string& message,
                                   const std::string& details = "", const std::string& hint = "");

/// A database error under its SQLSTATE.
[[nodiscard]] HttpReply rest_database_error(const Request& request, const DatabaseError& error);

/// Whether the client wants one object and no list (.single()).
[[nodiscard]] bool wants_object(const Request& request);

/// The rows, each a JSON text: as a list, or as the one object that was asked for, else 406 PGRST116.
[[nodiscard]] HttpReply rest_rows(const Request& request, int status, const std::vector<std::string>& rows);

/// Refuses another schema than public; nothing when all is well.
[[nodiscard]] std::optional<HttpReply> refuse_profile(const Request& request);

/// Whether the header Prefer holds the word.
[[nodiscard]] bool prefers(const Request& request, const std::string& word);

}  // namespace jobwatchdog
