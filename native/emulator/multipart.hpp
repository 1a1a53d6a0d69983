/// multipart/form-data as curl and browsers send it: its parts by name.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace jobwatchdog {

struct FormPart {
  std::string file_name;  ///< "" = no file.
  std::string content;
};

/// The parts of a form by name, of repeated ones the last; nothing when it is no whole form.
[[nodiscard]] std::optional<std::map<std::string, FormPart>> parse_form(const std::string& content_type,
                                                                        const std::string& body);

}  // namespace jobwatchdog
