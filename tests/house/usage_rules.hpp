/// House rules over all files at once: nothing lies about that nobody uses, and the top level holds the rooms
/// and no more.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/house/project_files.hpp"
#include "tests/house/text_rules.hpp"

namespace jobwatchdog::test {

inline std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
inline std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
inline std::string stem_of(const std::string& path) {
  return name_of(path).substr(0, name_of(path).rfind('.'));
}

/// Whether a file other than `path`, whose own path begins with `where`, holds `text`.
inline bool is_mentioned(const std::vector<File>& files, const std::string& path, const std::string& where,
                         const std::string& text) {
  return std::any_of(files.begin(), files.end(), [&](const File& file) {
    return file.path != path && file.path.starts_with(where) && file.text.find(text) != std::string::npos;
  });
}

inline bool is_script(const File& file) {
  return file.text.starts_with("#!") || (file.path.starts_with("script/lib/") && file.path.ends_with(".sh"));
}

/// An isolation spec and the outcome that it is held against belong together; the rest is read by the runner.
inline Complaints isolation_complaints(const std::vector<File>& files, const std::string& path) {
  const std::string root = "tests/isolation/";
  const auto is_there = [&](const std::string& wanted) {
    return std::any_of(files.begin(), files.end(), [&](const File& file) { return file.path == wanted; });
  };
  if (folder_of(path) == root + "specs")
    return is_there(root + "expected/" + stem_of(path) + ".out") ? Complaints{}
                                                                 : Complaints{"has no outcome"};
  if (folder_of(path) == root + "expected")
    return is_there(root + "specs/" + stem_of(path) + ".spec") ? Complaints{}
                                                               : Complaints{"belongs to no spec"};
  return is_mentioned(files, path, root, name_of(path)) ? Complaints{} : Complaints{"is read by no test"};
}

/// A module is imported, named by a page, a script or package.json, or found by its name: tests in the
/// folders that vitest looks into, configurations, and what Next looks for.
inline Complaints typescript_unused_complaints(const std::vector<File>& files, const std::string& path) {
  const std::string name = name_of(path);
  if (name.find(".test.ts") != std::string::npos) {
    const bool is_looked_into =
        is_mentioned(files, path, "tests/web/vitest.config.ts", "\"" + folder_of(path) + "/*.test.ts");
    return is_looked_into ? Complaints{}
                          : Complaints{"is in a folder that tests/web/vitest.config.ts leaves out"};
  }
  if (name.ends_with(".config.ts")) return {};
  if (folder_of(path).ends_with("/next/app") && (name == "page.tsx" || name == "layout.tsx")) return {};
  const std::string stem = stem_of(path.ends_with(".d.mts") ? path.substr(0, path.size() - 4) : path);
  for (const std::string& said : {"/" + name, "/" + stem + ".js", "/" + stem + ".mjs"}) {
    if (is_mentioned(files, path, "web/", said) || is_mentioned(files, path, "tests/web/", said) ||
        is_mentioned(files, path, "script/", said))
      return {};
  }
  return {"is imported by nobody"};
}

/// Why nobody uses `file`, or nothing.
inline Complaints unused_complaints(const std::vector<File>& files, const File& file) {
  const std::string& path = file.path;
  const std::string room = room_of(path);
  const auto unless = [](bool is_used, const std::string& complaint) {
    return is_used ? Complaints{} : Complaints{complaint};
  };
  if (path.ends_with(".hpp"))
    return unless(is_mentioned(files, path, "", "\"" + path + "\""), "is included by nobody");
  if (path.ends_with("_test.cpp")) {
    return unless(
        is_mentioned(files, path, "tests/CMakeLists.txt", "add_room_tests(" + name_of(folder_of(path))),
        "is in a folder that tests/CMakeLists.txt does not build");
  }
  if (path.ends_with(".cpp")) {
    const std::string beside = folder_of(path) + "/CMakeLists.txt";
    return unless(is_mentioned(files, path, room + "/CMakeLists.txt", path.substr(room.size() + 1)) ||
                      is_mentioned(files, path, beside, name_of(path)),
                  "is not in " + room + "/CMakeLists.txt");
  }
  if (is_typescript(path)) return typescript_unused_complaints(files, path);
  // A file of script/NAME.d belongs to script/NAME, which names it by its stem.
  const std::size_t d = path.find(".d/");
  if (path.starts_with("script/") && d != std::string::npos)
    return unless(is_mentioned(files, path, path.substr(0, d), stem_of(path)),
                  "is not named by " + path.substr(0, d));
  if (path == ".ci/run") return {};  // Called from outside.
  if (is_script(file))
    return unless(is_mentioned(files, path, "", path), "is called and mentioned by nobody");
  if (path.starts_with("tests/golden/")) {
    const bool is_globbed = folder_of(path) == "tests/golden" && path.ends_with(".txt");
    return unless(is_globbed || is_mentioned(files, path, "tests/", stem_of(path)), "is read by no test");
  }
  if (path.starts_with("tests/isolation/") && !is_cpp(path)) return isolation_complaints(files, path);
  if (path.starts_with("sql/migrations/") || path.starts_with("sql/functions/"))
    return {};  // Embedded by their folder.
  if (path.ends_with(".sql"))
    return unless(is_mentioned(files, path, "native/", name_of(path)) ||
                      is_mentioned(files, path, "tests/", name_of(path)),
                  "is neither embedded nor tested");
  return {};
}

/// The rooms, and the files that a reader or a tool expects beside them.
inline Complaints top_level_complaints(const File& file) {
  static const std::set<std::string> known{"core",
                                           "wasm",
                                           "native",
                                           "sql",
                                           "web",
                                           "tests",
                                           "script",
                                           "docs",
                                           "CMakeLists.txt",
                                           "CMakePresets.json",
                                           "README.md",
                                           "CHANGELOG.md",
                                           "LICENSE"};
  const std::string top = room_of(file.path);
  if (top.starts_with(".") || known.contains(top)) return {};
  return {"is not in one of the rooms"};
}

}  // namespace jobwatchdog::test
