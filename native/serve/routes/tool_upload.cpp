// runninghub-<tool>/upload: a user's file, the body as it is, goes to the provider; its name there is the
// answer. Source: design.md section 8, protocols.md 1.6.
#include "native/http/request_header.hpp"
#include "native/log.hpp"
#include "native/serve/file_kind.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/known_tool.hpp"
#include "native/serve/routes/routes.hpp"
#include "native/serve/upload_place.hpp"
#include "native/serve/uploads.hpp"

namespace jobwatchdog::routes {
namespace {

HttpReply refused(int status, const std::string& code, const std::string& why) {
  return json_reply(status, {{"success", false}, {"error", why}, {"code", code}});
}

/// Why this is no file that the provider could use, or nothing.
std::optional<HttpReply> refusal_of(const Request& request, const std::string& content) {
  std::string type = header(request.http, "content-type");
  type = type.substr(0, type.find(';'));
  const bool is_file_type =
      type.starts_with("image/") || type.starts_with("video/") || type == "application/octet-stream";
  if (!is_file_type)
    return refused(415, "UNSUPPORTED_FILE",
                   "The body must be the file itself, with Content-Type: image/..., video/... or "
                   "application/octet-stream");
  if (content.empty()) return refused(400, "NO_FILE", "The body must be the file itself; it is empty");
  if (file_ending(content).empty())
    return refused(415, "UNSUPPORTED_FILE",
                   "The file must be a picture (PNG, JPEG, WebP) or a film (MP4, WebM)");
  return std::nullopt;
}

HttpReply reply_about(const std::optional<ProviderAnswer>& answer, const std::string& request_id) {
  if (!answer)
    return refused(504, "UPLOAD_UNKNOWN", "The provider did not answer in time; send the file again");
  if (answer->was_accepted) return json_reply(200, {{"success", true}, {"fileName", answer->file_name}});
  log(LogLevel::warning, "the provider did not take a file",
      {{"request_id", request_id}, {"words", answer->words}});
  return refused(502, "UPLOAD_FAILED", "The provider did not take the file; send it again or try another");
}

}  // namespace

HttpReply tool_upload(const Services& services, const Request& request) {
  std::shared_ptr<const std::string> content = request.http.large_body;
  if (!content) content = std::make_shared<const std::string>(request.http.body);
  if (auto refusal = refusal_of(request, *content)) return *refusal;
  const Result<KnownTool, HttpReply> tool = tool_of_function(services, request.wildcards.front());
  if (!tool.ok()) return tool.error();
  if (!services.uploads->has_provider())
    return refused(503, "NO_PROVIDER", "This server has no account at the provider");
  Result<std::shared_ptr<void>, HttpReply> place = request.http.place;
  if (!request.http.place) place = upload_place(services, request.caller, content->size());
  if (!place.ok()) return place.error();
  const std::shared_ptr<const Upload> upload = services.uploads->send(
      tool.value().account, "upload" + std::string{file_ending(*content)}, content, std::move(place.value()));
  return {.then = [&services, upload,
                   id = request.id] { return reply_about(services.uploads->answer_of(*upload), id); },
          .waits_for = upload->news,
          .waits_at_most = provider_patience};
}

}  // namespace jobwatchdog::routes
