// What `cmake --install` leaves on a machine: systemd's own tools read the units, and the sandbox stays
// closed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The highest exposure of a unit that is let pass, in tenths of systemd's points: 13 is 1.3 of 10.
constexpr const char* exposure_max = "13";

constexpr const char* services[] = {"jobwatchdog.service", "jobwatchdog-sweep.service"};

/// An installation in a folder of its own, which goes with the object.
class Installation {
 public:
  /// Under `prefix` within the folder; with DESTDIR the machine that it is for is the folder itself.
  explicit Installation(const std::string& prefix, bool by_destdir) {
    std::string name = (std::filesystem::temp_directory_path() / "installation-XXXXXX").string();
    root_ = mkdtemp(name.data());
    const std::string build = std::filesystem::path{jobwatchdog_binary()}.parent_path();
    const ProcessResult result =
        run({"cmake", "--install", build, "--prefix", by_destdir ? prefix : root_.string() + prefix},
            {{"DESTDIR", by_destdir ? root_.string() : ""}});
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    home_ = root_.string() + prefix;
  }
  ~Installation() { std::filesystem::remove_all(root_); }
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;

  [[nodiscard]] std::filesystem::path home() const { return home_; }
  [[nodiscard]] std::string unit(const std::string& name) const {
    return home_ / "lib/systemd/system" / name;
  }

 private:
  std::filesystem::path root_;
  std::filesystem::path home_;
};

ProcessResult verify(const std::string& unit) { return run({"systemd-analyze", "verify", "--man=no", unit}); }

ProcessResult judge(const std::string& unit) {
  return run(
      {"systemd-analyze", "security", "--offline=true", std::string{"--threshold="} + exposure_max, unit});
}

TEST(service, is_installed_beside_the_binary_that_it_starts) {
  const Installation machine{"/usr/local", true};
  EXPECT_TRUE(std::filesystem::exists(machine.home() / "bin/jobwatchdog"));
  EXPECT_THAT(read_file(machine.unit("jobwatchdog.service")),
              HasSubstr("\nExecStart=/usr/local/bin/jobwatchdog serve\n"));
  EXPECT_THAT(read_file(machine.unit("jobwatchdog-sweep.service")),
              HasSubstr("\nExecStart=/usr/local/bin/jobwatchdog sweep --quiet\n"));
  EXPECT_THAT(read_file(machine.unit("jobwatchdog-sweep.timer")), HasSubstr("\nOnCalendar=*:0/5\n"));
  for (const char* example : {"environment", "credentials.conf"})
    EXPECT_TRUE(std::filesystem::exists(machine.home() / "share/doc/jobwatchdog/examples" / example))
        << example;
}

TEST(service, is_understood_by_systemd_without_a_word) {
  const Installation machine{"/usr", false};
  for (const std::string name :
       {"jobwatchdog.service", "jobwatchdog-sweep.service", "jobwatchdog-sweep.timer"}) {
    const ProcessResult result = verify(machine.unit(name));
    EXPECT_EQ(result.exit_code, 0) << name;
    EXPECT_EQ(result.out + result.err, "") << name;
  }
}

TEST(service, of_the_examples_hands_its_secrets_over_as_files) {
  const Installation machine{"/usr", false};
  const std::filesystem::path examples = machine.home() / "share/doc/jobwatchdog/examples";
  const std::filesystem::path drop_ins = machine.unit("jobwatchdog.service.d");
  std::filesystem::create_directories(drop_ins);
  std::filesystem::copy(examples / "credentials.conf", drop_ins);
  const ProcessResult result = verify(machine.unit("jobwatchdog.service"));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out + result.err, "");
  // What is loaded is what a variable names.
  const std::string text = read_file(examples / "credentials.conf");
  static const std::regex credential{"\nLoadCredential=([a-z_]+):"};
  int count = 0;
  for (std::sregex_iterator match{text.begin(), text.end(), credential}, end; match != end; ++match, ++count)
    EXPECT_THAT(text, testing::ContainsRegex("_FILE=%d/" + (*match)[1].str() + "\n"));
  EXPECT_EQ(count, 2);
}

TEST(service, is_closed_to_all_but_the_network) {
  const Installation machine{"/usr", false};
  for (const char* name : services) {
    const ProcessResult result = judge(machine.unit(name));
    EXPECT_EQ(result.exit_code, 0) << name << result.out << result.err;
  }
}

// The twins.

TEST(service_twin, a_word_that_systemd_does_not_know_is_noticed) {
  const Installation machine{"/usr", false};
  const std::string unit = machine.unit("jobwatchdog.service");
  std::ofstream{unit, std::ios::app} << "\n[Service]\nNoNewPrivilege=yes\n";
  EXPECT_THAT(verify(unit).err, HasSubstr("Unknown key 'NoNewPrivilege'"));
}

TEST(service_twin, a_binary_that_is_elsewhere_is_noticed) {
  const Installation machine{"/usr", false};
  std::filesystem::remove(machine.home() / "bin/jobwatchdog");
  EXPECT_NE(verify(machine.unit("jobwatchdog.service")).exit_code, 0);
}

TEST(service_twin, a_door_that_is_left_open_is_noticed) {
  const Installation machine{"/usr", false};
  for (const char* door :
       {"CapabilityBoundingSet=~\n", "ProtectSystem=no\nPrivateUsers=no\nProtectHome=no\n"}) {
    const std::string unit = machine.unit("jobwatchdog.service");
    const std::string closed = read_file(unit);
    std::ofstream{unit, std::ios::app} << "\n[Service]\n" << door;
    EXPECT_NE(judge(unit).exit_code, 0) << door;
    std::ofstream{unit} << closed;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
