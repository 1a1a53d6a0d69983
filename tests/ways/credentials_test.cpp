// Password files and service files as libpq reads them, and that no password is ever shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/database.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* password = "un4ussprechlich";

/// A managed database whose role wants a password, and a file for what the environment may name.
class credentials : public testing::Test {
 protected:
  credentials() {
    ensure_role(database_, "ways_secretive", std::string{"LOGIN SUPERUSER PASSWORD '"} + password + "'");
  }
  ~credentials() override { std::filesystem::remove(file_); }

  /// Writes the file; gives its path.
  [[nodiscard]] const std::string& written(
      const std::string& text, std::filesystem::perms perms = std::filesystem::perms::owner_read) const {
    std::ofstream{file_} << text;
    std::filesystem::permissions(file_, perms);
    return file_;
  }

  [[nodiscard]] std::string url_without_password() const {
    std::string url = database_.tcp_url("ways_secretive", "");
    return url.erase(url.find(":@"), 1);
  }
  [[nodiscard]] std::string host_and_port() const {
    const std::string url = database_.tcp_url("", "");
    return url.substr(url.find('@') + 1, url.rfind('/') - url.find('@') - 1);
  }
  [[nodiscard]] std::string port() const { return host_and_port().substr(host_and_port().find(':') + 1); }
  [[nodiscard]] const Database& database() const { return database_; }

  /// Runs the command as loud as it can be; what it says must not hold `secret`.
  static ProcessResult run_loudly(std::vector<std::string> arguments,
                                  const std::map<std::string, std::string>& env = {},
                                  const std::string& secret = password) {
    arguments.insert(arguments.end(), {"--log-level", "debug"});
    ProcessResult result = run_jobwatchdog(arguments, env);
    EXPECT_THAT(result.out, Not(HasSubstr(secret))) << arguments.front();
    EXPECT_THAT(result.err, Not(HasSubstr(secret))) << arguments.front();
    return result;
  }

  [[nodiscard]] std::string service() const {
    return "[job-database]\nhost=127.0.0.1\nport=" + port() + "\ndbname=" + database_.name() +
           "\nuser=ways_secretive\npassword=" + password + "\n";
  }

 private:
  Database database_ = Database::managed();
  std::string file_ = std::filesystem::temp_directory_path() / ("credentials-" + database_.name());
};

TEST_F(credentials, come_from_a_password_file_that_only_its_owner_may_read) {
  const std::string line = "127.0.0.1:*:*:ways_secretive:" + std::string{password} + "\n";
  const auto sweep = [&](std::filesystem::perms perms) {
    return run_loudly({"sweep", "--database-url", url_without_password()},
                      {{"PGPASSFILE", written(line, perms)}});
  };
  using std::filesystem::perms;
  const ProcessResult mine = sweep(perms::owner_read | perms::owner_write);
  EXPECT_EQ(mine.exit_code, 0) << mine.err;
  const ProcessResult everybodys = sweep(perms::owner_read | perms::owner_write | perms::others_read);
  EXPECT_EQ(everybodys.exit_code, 4);
  EXPECT_THAT(everybodys.err, HasSubstr("no password supplied"));
  EXPECT_THAT(everybodys.err, HasSubstr("a password file that others may read: chmod 0600"));
}

TEST_F(credentials, come_from_a_service_file_that_the_url_or_the_environment_names) {
  const std::string file = written(service());
  for (const std::string url : {"postgresql:///?service=job-database", "service=job-database"}) {
    const ProcessResult result = run_loudly({"sweep", "--database-url", url}, {{"PGSERVICEFILE", file}});
    EXPECT_EQ(result.exit_code, 0) << url << result.err;
  }
  const ProcessResult by_environment =
      run_loudly({"sweep"}, {{"PGSERVICEFILE", file}, {"PGSERVICE", "job-database"}});
  EXPECT_EQ(by_environment.exit_code, 0) << by_environment.err;
  const ProcessResult unknown =
      run_loudly({"sweep", "--database-url", "service=other"}, {{"PGSERVICEFILE", file}});
  EXPECT_EQ(unknown.exit_code, 4) << unknown.err;
  EXPECT_THAT(unknown.err, HasSubstr("definition of service \"other\" not found"));
  EXPECT_THAT(unknown.err, HasSubstr("PGSERVICEFILE"));
}

TEST_F(credentials, are_shown_by_no_command_however_they_came) {
  const std::string url = database().tcp_url("ways_secretive", password);
  const std::string file = written(service());
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"sweep"},
                                             {"sweep", "--json"},
                                             {"sweep", "--dry-run"},
                                             {"audit"},
                                             {"doctor"},
                                             {"doctor", "--json"},
                                             {"adopt"},
                                             {"rules", "check"},
                                             {"rules", "list"},
                                             {"migrate", "--status"},
                                             {"sweep", "--help"}}) {
    EXPECT_EQ(run_loudly(command, {{"DATABASE_URL", url}}).exit_code, 0) << command.front();
    EXPECT_EQ(
        run_loudly(command, {{"DATABASE_URL", url_without_password()}, {"PGPASSWORD", password}}).exit_code,
        0);
    EXPECT_EQ(run_loudly(command, {{"PGSERVICEFILE", file}, {"PGSERVICE", "job-database"}}).exit_code, 0);
  }
}

TEST_F(credentials, are_shown_by_no_failure_either) {
  const std::string somewhere = host_and_port() + "/" + database().name();
  struct Wrong {
    std::string url;
    const char* secret;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"postgresql://ways_secretive:wr0ngword@" + somewhere, "wr0ngword"},
           {"postgresql://ways_secretive:wr0ngword@127.0.0.1:1/x", "wr0ngword"},
           {"postgresql://ways_secretive:wr0ngword@no-such-host.invalid/x", "wr0ngword"},
           {"postgresql://ways_secretive:wr0ngword@" + somewhere + "?sslmode=verify-full", "wr0ngword"},
           {"postgresql://ways_secretive:wr0ngword@" + somewhere + "?no_such_option=1", "wr0ngword"},
           {"postgresql://ways_secretive:wr0ng@s3cond.invalid@" + somewhere, "s3cond"},
           {"postgresql://ways_secretive:wr0ng/s3cond@" + somewhere, "wr0ng"},
           {"postgresql://ways_secretive:wr0ng?s3cond@" + somewhere, "s3cond"},
           {"postgresql://ways_secretive:wr0ng#s3cond@" + somewhere, "s3cond"},
           {"postgresql://ways_secretive:100%s3cond@" + somewhere, "s3cond"},
           {"host=127.0.0.1 user=ways_secretive password=wr0ng s3cond", "s3cond"},
           {"host=127.0.0.1 user=ways_secretive password=wr0ng s3cond=x", "s3cond"},
           {"host=127.0.0.1 user=ways_secretive password='wr0ng s3cond", "s3cond"},
       }) {
    const ProcessResult result = run_loudly({"sweep", "--database-url", wrong.url}, {}, wrong.secret);
    EXPECT_THAT(result.exit_code, testing::AnyOf(3, 4)) << wrong.url << result.err;
    EXPECT_THAT(result.err, HasSubstr("mend: ")) << wrong.url;
  }
}

TEST(credentials_twin, a_password_that_is_shown_would_be_seen) {
  const ProcessResult result = run({"sh", "-c", std::string{"echo "} + password + " >&2"});
  EXPECT_THAT(result.err, HasSubstr(password));
}

}  // namespace
}  // namespace jobwatchdog::test
