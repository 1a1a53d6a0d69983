// A hot standby: nothing is decided or written there, whatever the connection allows; who asks for it may
// read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/sql/seed.hpp"
#include "tests/support/companion.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

class standby : public testing::Test {
 protected:
  standby() {
    add_job(managed_);
    server_.emplace(std::vector<std::string>{(project_root() / "tests/native/with_standby").string()});
  }

  /// On the standby; `attributes` is what the URL says of target_session_attrs.
  [[nodiscard]] ProcessResult run_there(const std::vector<std::string>& arguments,
                                        const std::string& attributes = "") const {
    return run_there(arguments, attributes, managed_);
  }
  [[nodiscard]] ProcessResult run_there(std::vector<std::string> arguments, const std::string& attributes,
                                        const Database& database) const {
    arguments.insert(arguments.end(),
                     {"--database-url", "host=" + server_->fact("STANDBY_SOCKET_DIR") +
                                            " port=" + server_->fact("STANDBY_PORT") +
                                            " user=postgres dbname=" + database.name() + attributes});
    return run_jobwatchdog(arguments);
  }

  Database managed_ = Database::managed();
  Database fresh_ = Database::empty();
  static constexpr const char* any = " target_session_attrs=any";

 private:
  std::optional<Companion> server_;
};

TEST_F(standby, is_refused_with_4_by_every_command_that_is_not_told_otherwise) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"sweep"},
                                                                                       {"sweep", "--dry-run"},
                                                                                       {"migrate"},
                                                                                       {"audit"},
                                                                                       {"rules", "check"},
                                                                                       {"doctor"},
                                                                                       {"adopt"}}) {
    const ProcessResult result = run_there(command);
    EXPECT_EQ(result.exit_code, 4) << command.front() << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("read-only"));
    EXPECT_THAT(result.err, HasSubstr("name the primary"));
  }
}

TEST_F(standby, is_never_written_even_when_the_connection_allows_it) {
  for (const ProcessResult& result : {run_there({"sweep"}, any), run_there({"migrate"}, any, fresh_)}) {
    EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("this connection may only read: connect to the primary"));
  }
}

TEST_F(standby, may_be_read_by_who_asks_for_it_and_is_told_for_the_past) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"audit"}, {"sweep", "--dry-run"}}) {
    const ProcessResult result = run_there(command, any);
    EXPECT_EQ(result.exit_code, 0) << command.front() << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("this is a standby")) << command.front();
  }
  EXPECT_THAT(run_there({"sweep", "--dry-run"}, any).out, HasSubstr("would settle 1 of 1"));
}

}  // namespace
}  // namespace jobwatchdog::test
