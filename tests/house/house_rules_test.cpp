// The house rules, each held against every file of the project, and each with a twin: a planted fault that it
// must notice.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "tests/house/text_rules.hpp"
#include "tests/house/usage_rules.hpp"

namespace jobwatchdog::test {
namespace {

using Rule = std::function<Complaints(const File&)>;

/// Fails once for each complaint of the rule about any file.
void expect_kept(const Rule& rule) {
  ASSERT_GE(project_files().size(), 50U) << "the files of the project were not found";
  for (const File& file : project_files()) {
    for (const std::string& complaint : rule(file)) ADD_FAILURE() << file.path << " " << complaint;
  }
}

Complaints unused(const File& file) { return unused_complaints(project_files(), file); }

TEST(house, rooms_include_only_along_the_arrows) { expect_kept(include_complaints); }
TEST(house, web_imports_only_itself_and_its_library_only_react) { expect_kept(import_complaints); }
TEST(house, rooms_use_no_word_that_is_banned_in_them) { expect_kept(banned_word_complaints); }
TEST(house, no_file_holds_a_reminder_or_the_address_of_a_registry) { expect_kept(forbidden_text_complaints); }
TEST(house, every_source_begins_with_its_purpose) { expect_kept(purpose_complaints); }
TEST(house, every_file_is_used) { expect_kept(unused); }
TEST(house, the_top_level_holds_only_the_rooms) { expect_kept(top_level_complaints); }
TEST(house, json_parses) { expect_kept(json_complaints); }
TEST(house, yaml_is_not_broken) { expect_kept(yaml_complaints); }

// Reported and never failed: sizes are targets, and a clear long function beats three that only make sense
// together.
TEST(house, sizes_are_reported) {
  for (const File& file : project_files()) {
    if (!is_cpp(file.path) && !is_typescript(file.path)) continue;
    const auto line_count = std::count(file.text.begin(), file.text.end(), '\n');
    if (line_count > 300) std::cout << file.path << " has " << line_count << " lines (target 300)\n";
    if (!is_cpp(file.path)) continue;
    for (const FunctionSize& size : function_sizes(file.text)) {
      if (size.line_count > 40)
        std::cout << file.path << ":" << size.line << " has a function of " << size.line_count
                  << " lines (target 40)\n";
    }
  }
}

// The twins.

TEST(house_twin, an_include_against_the_arrows_is_noticed) {
  EXPECT_EQ(include_complaints({"core/x.cpp", "#include \"native/log.hpp\"\n"}).size(), 1U);
  EXPECT_EQ(include_complaints({"native/x.cpp", "#include <a>\n  # include \"wasm/counter.hpp\"\n"}).size(),
            1U);
  EXPECT_EQ(
      include_complaints({"wasm/x.cpp", "#include \"native/log.hpp\"\n#include \"sibling.hpp\"\n"}).size(),
      2U);
  EXPECT_EQ(
      include_complaints({"tests/x.cpp", "#include \"core/a.hpp\"\n#include \"native/a.hpp\"\n"}).size(), 0U);
}

TEST(house_twin, an_import_out_of_the_room_is_noticed) {
  const auto count = [](const std::string& path, const std::string& text) {
    return import_complaints({path, text}).size();
  };
  EXPECT_EQ(count("web/library/x.ts", "import { a } from \"../../wasm/counter.mjs\";"), 1U);
  EXPECT_EQ(count("web/library/x.ts", "export * from \"left-pad\";\nimport \"./a.js\";"), 1U);
  EXPECT_EQ(count("web/library/x.ts", "const core = await import(\"../example/a.js\");"), 1U);
  EXPECT_EQ(count("web/library/x.tsx", "import { useRef } from \"react\";\nimport \"./a.js\";"), 0U);
  EXPECT_EQ(count("web/library/x.ts", "// import { a } from \"jobwatchdog\";\n/* import \"b\"; */"), 0U);
  EXPECT_EQ(count("web/example/x.tsx", "import { createRoot } from \"react-dom/client\";"), 0U);
  EXPECT_EQ(count("web/example/x.tsx", "import { a } from \"../../tests/web/a.js\";"), 1U);
}

TEST(house_twin, a_ban_is_noticed_in_typescript_and_only_in_its_code) {
  const auto count = [](const std::string& text) {
    return banned_word_complaints({"web/library/x.ts", text}).size();
  };
  for (const std::string word :
       {"Date.now()", "performance.now()", "setTimeout(f, 1)", "console.log(1)", "eval(a)"}) {
    EXPECT_EQ(count("const a = " + word + ";"), 1U) << word;
    EXPECT_EQ(count("const a = `${{ b: `${" + word + "}` }} words`;"), 1U) << word;
    EXPECT_EQ(count("// " + word + "\nconst a = `" + word + " \\` ${\"" + word + "\"}`; /* " + word + " */"),
              0U)
        << word;
  }
  EXPECT_EQ(banned_word_complaints({"web/library/clock.ts", "Date.now();"}).size(), 0U);
  EXPECT_EQ(
      banned_word_complaints({"tests/web/x.test.ts", "it.skip(); await page.waitForTimeout(5);"}).size(), 2U);
}

TEST(house_twin, every_ban_is_noticed_in_code_and_only_there) {
  for (const std::string word : {"std::chrono::seconds", "rand()", "std::getenv(x)", "std::mutex m",
                                 "std::cout << 1", "throw 1", "pqxx::row r"}) {
    EXPECT_EQ(banned_word_complaints({"core/x.cpp", "auto f() { " + word + "; }"}).size(), 1U) << word;
    EXPECT_EQ(banned_word_complaints({"core/x.cpp", "// " + word + "\nauto f = R\"(" + word + ")\"; /* " +
                                                        word + " */ auto g = \"\\\"" + word + "\";"})
                  .size(),
              0U)
        << word;
  }
  EXPECT_EQ(
      banned_word_complaints({"core/x.cpp", "const int ms = 10'000; std::mutex m; char c = '\\'';"}).size(),
      1U);
  EXPECT_EQ(banned_word_complaints({"core/x.cpp", "int operand = entry.retry;"}).size(), 0U);
  EXPECT_EQ(
      banned_word_complaints({"native/sweep.cpp", "#include <pqxx/pqxx>\nstd::this_thread::sleep_for(d);"})
          .size(),
      2U);
  EXPECT_EQ(banned_word_complaints({"native/database.cpp", "#include <pqxx/pqxx>"}).size(), 0U);
  EXPECT_EQ(
      banned_word_complaints({"tests/core/x_test.cpp", "TEST(a, DISABLED_b) { GTEST_SKIP(); sleep(1); }"})
          .size(),
      2U);
}

TEST(house_twin, a_reminder_or_a_registry_is_noticed) {
  EXPECT_EQ(forbidden_text_complaints({"docs/a.md", std::string{"later: TO"} + "DO"}).size(), 1U);
  EXPECT_EQ(
      forbidden_text_complaints({"tests/package-lock.json", std::string{"https://registry.npm"} + "js.org/a"})
          .size(),
      1U);
  EXPECT_EQ(forbidden_text_complaints({"docs/a.md", "a method, mastodons, npmjs_org"}).size(), 0U);
}

TEST(house_twin, a_source_without_a_purpose_is_noticed) {
  EXPECT_EQ(purpose_complaints({"core/x.cpp", "#include <a>\n"}).size(), 1U);
  EXPECT_EQ(purpose_complaints({"core/x.cpp", "// x\n"}).size(), 1U);
  EXPECT_EQ(purpose_complaints({"script/x", "#!/bin/bash\nset -eu\n"}).size(), 1U);
  EXPECT_EQ(purpose_complaints({"sql/migrations/0001_x.sql", "--! set: watch\nCREATE TABLE x();\n"}).size(),
            1U);
  EXPECT_EQ(
      purpose_complaints({"sql/migrations/0001_x.sql", "--! set: watch\n-- What a sweep leaves.\n"}).size(),
      0U);
  EXPECT_EQ(purpose_complaints({"README.md", "anything"}).size(), 0U);
}

TEST(house_twin, a_file_that_nobody_uses_is_noticed) {
  const std::vector<File> files{{"core/CMakeLists.txt", "add_library(core used.cpp)"},
                                {"core/used.cpp", "#include \"core/used.hpp\""},
                                {"tests/CMakeLists.txt", "add_room_tests(core core)\n"},
                                {"script/demo", "#!x\nscript/lib/used.sh demo.d/used"},
                                {"tests/core/a_test.cpp", "\"golden/sql\" \"used\""},
                                {"tests/isolation/specs/used.spec", "# used.txt"},
                                {"tests/isolation/expected/used.out", ""}};
  const auto is_used = [&](const std::string& path, const std::string& text = "") {
    return unused_complaints(files, {path, text}).empty();
  };
  EXPECT_TRUE(is_used("core/used.cpp") && is_used("core/used.hpp") && is_used("tests/core/b_test.cpp") &&
              is_used("script/lib/used.sh"));
  EXPECT_TRUE(is_used("script/demo.d/used.sql") && is_used("tests/golden/sql/used.sql") &&
              is_used("tests/golden/a.txt"));
  EXPECT_TRUE(is_used("tests/isolation/specs/used.spec") && is_used("tests/isolation/expected/used.out") &&
              is_used("tests/isolation/used.txt"));
  EXPECT_FALSE(is_used("tests/isolation/specs/spare.spec") || is_used("tests/isolation/expected/spare.out") ||
               is_used("tests/isolation/spare.txt"));
  EXPECT_FALSE(is_used("core/spare.cpp") || is_used("core/spare.hpp") || is_used("tests/spare/b_test.cpp") ||
               is_used("script/lib/spare.sh"));
  EXPECT_FALSE(is_used("script/demo.d/spare.sql") || is_used("tests/golden/sql/spare.sql") ||
               is_used("sql/spare.sql") || is_used("script/spare", "#!x"));
}

TEST(house_twin, a_module_that_nobody_imports_is_noticed) {
  const std::vector<File> files{{"web/package.json", "\"./dist/entry.js\""},
                                {"web/library/entry.ts", "import \"./used.js\";"},
                                {"tests/web/vitest.config.ts", "include: [\"tests/web/*.test.ts\"]"}};
  const auto is_used = [&](const std::string& path) { return unused_complaints(files, {path, ""}).empty(); };
  EXPECT_TRUE(is_used("web/library/entry.ts") && is_used("web/library/used.tsx") &&
              is_used("tests/web/a.test.ts"));
  EXPECT_FALSE(is_used("web/library/spare.ts") || is_used("web/library/try.ts") ||
               is_used("tests/web/b/a.test.ts"));
}

TEST(house_twin, a_stranger_at_the_top_is_noticed) {
  EXPECT_EQ(top_level_complaints({"utils/a.cpp", ""}).size() + top_level_complaints({"notes.txt", ""}).size(),
            2U);
  EXPECT_EQ(top_level_complaints({"core/a.cpp", ""}).size() + top_level_complaints({".ci/run", ""}).size(),
            0U);
}

TEST(house_twin, broken_data_is_noticed) {
  EXPECT_EQ(json_complaints({"a.json", "{\"a\": 1,}"}).size(), 1U);
  EXPECT_EQ(yaml_complaints({"a.yml", "a:\n\tb: 1\nc: \"open\n"}).size(), 2U);
}

TEST(house_twin, a_long_function_is_measured) {
  const std::string text =
      "namespace a {\nstruct B {\n  int c() { return 1; }\n};\nvoid d(int e) {\n  if (e) {\n    f(\"}\");\n  }\n}\n}\n";
  const auto sizes = function_sizes(text);
  ASSERT_EQ(sizes.size(), 2U);
  EXPECT_EQ(sizes[0].line_count, 1);
  EXPECT_EQ(sizes[1].line, 5);
  EXPECT_EQ(sizes[1].line_count, 5);
}

}  // namespace
}  // namespace jobwatchdog::test
