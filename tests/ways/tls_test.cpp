// TLS that is verified: the right authority and the right name let a sweep in, anything else is refused with
// its cure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/companion.hpp"
#include "tests/support/database.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

/// A server with a certificate for "localhost", and a database in it with the managed schema.
class tls : public testing::Test {
 protected:
  tls() {
    Database cluster = Database::existing(server_.fact("CLUSTER_URL"));
    ensure_role(cluster, "ways_tls", "LOGIN SUPERUSER PASSWORD 'encrypted'");
    EXPECT_EQ(sweep_by({"--database-url", server_.fact("CLUSTER_URL")}, {}, "migrate").exit_code, 0);
  }

  [[nodiscard]] std::string authority() const { return server_.fact("CLUSTER_AUTHORITY"); }

  /// The URL of the server by that name, without a word of TLS.
  [[nodiscard]] std::string url(const std::string& host) const {
    return "postgresql://ways_tls:encrypted@" + host + ":" + server_.fact("CLUSTER_PORT") + "/postgres?";
  }

  [[nodiscard]] ProcessResult sweep(const std::string& url,
                                    const std::map<std::string, std::string>& env = {}) const {
    return sweep_by({"--database-url", url}, env, "sweep");
  }

  static void expect_refused(const ProcessResult& result, const std::string& what, const std::string& mend) {
    EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr(what));
    EXPECT_THAT(result.err, HasSubstr(mend));
    EXPECT_THAT(result.err, testing::Not(HasSubstr("encrypted")));
  }

 private:
  static ProcessResult sweep_by(std::vector<std::string> arguments,
                                const std::map<std::string, std::string>& env, const std::string& command) {
    arguments.insert(arguments.begin(), command);
    return run_jobwatchdog(arguments, env);
  }

  Companion server_{{(project_root() / "tests/ways/with_cluster").string(), "--tls"}};
};

TEST_F(tls, with_the_right_authority_and_name_is_let_in_by_url_and_by_environment) {
  const ProcessResult by_url = sweep(url("localhost") + "sslmode=verify-full&sslrootcert=" + authority());
  EXPECT_EQ(by_url.exit_code, 0) << by_url.err;
  const ProcessResult by_environment =
      sweep(url("localhost"), {{"PGSSLMODE", "verify-full"}, {"PGSSLROOTCERT", authority()}});
  EXPECT_EQ(by_environment.exit_code, 0) << by_environment.err;
}

TEST_F(tls, is_refused_with_4_and_what_to_do_when_authority_or_name_is_wrong) {
  const std::string other =
      std::filesystem::temp_directory_path() / ("other-authority-" + std::to_string(getpid()));
  ASSERT_EQ(run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=another authority", "-keyout", other + ".key", "-out", other + ".crt"})
                .exit_code,
            0);
  expect_refused(sweep(url("localhost") + "sslmode=verify-full&sslrootcert=" + other + ".crt"),
                 "certificate verify failed", "not by an authority in sslrootcert");
  expect_refused(sweep(url("localhost"), {{"PGSSLMODE", "verify-full"}, {"PGSSLROOTCERT", other + ".crt"}}),
                 "certificate verify failed", "not by an authority in sslrootcert");
  expect_refused(sweep(url("127.0.0.1") + "sslmode=verify-full&sslrootcert=" + authority()),
                 "does not match host name", "connect by a name that the server's certificate bears");
  expect_refused(sweep(url("localhost") + "sslmode=verify-full&sslrootcert=/nowhere/authority.crt"),
                 "/nowhere/authority.crt", "name the file with the authority's certificate");
  std::filesystem::remove(other + ".key");
  std::filesystem::remove(other + ".crt");
}

TEST_F(tls, that_the_server_does_not_speak_is_refused_with_4) {
  Database plain = Database::managed();
  ensure_role(plain, "ways_tls", "LOGIN SUPERUSER PASSWORD 'encrypted'");
  expect_refused(
      sweep(plain.tcp_url("ways_tls", "encrypted") + "?sslmode=verify-full&sslrootcert=" + authority()),
      "server does not support SSL", "turn TLS on at the server");
}

}  // namespace
}  // namespace jobwatchdog::test
