// What most commands begin with.
#include "native/workspace.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "core/spelling.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* rights_mend = "the role lacks a right; see README, \"The rights it needs\"";

bool mentions(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// The cure for a connection that TLS refused; "" for any other.
std::string tls_mend(const std::string& message) {
  if (mentions(message, "certificate verify failed"))
    return "the server's certificate is not by an authority in sslrootcert (PGSSLROOTCERT): name the file with the right one";
  if (mentions(message, "does not match host name"))
    return "connect by a name that the server's certificate bears; hostaddr=ADDRESS beside host=NAME spares the look-up";
  if (mentions(message, "server does not support SSL"))
    return "turn TLS on at the server (ssl = on); only where the network is trusted ask for less: sslmode=prefer";
  if (mentions(message, "root certificate file"))
    return "name the file with the authority's certificate: sslrootcert=FILE, or PGSSLROOTCERT";
  if (mentions(message, "certificate") || mentions(message, "SSL"))
    return "check sslmode and sslrootcert (PGSSLMODE, PGSSLROOTCERT)";
  return "";
}

/// The cure for the usual reasons why no connection could be made.
std::string connection_mend(const std::string& message) {
  if (mentions(message, "read-only"))
    return "this is a standby: name the primary, or all servers (host=a,b), of which the primary is chosen";
  if (mentions(message, "password authentication failed") || mentions(message, "no password supplied"))
    return "check user and password (URL, PGPASSWORD, ~/.pgpass or PGPASSFILE; libpq ignores a password file that others may read: chmod 0600)";
  if (std::string mend = tls_mend(message); !mend.empty()) return mend;
  if (mentions(message, "definition of service"))
    return "check the service's name and its file: PGSERVICEFILE, or ~/.pg_service.conf";
  if (mentions(message, "unsupported startup parameter"))
    return "a pooler refuses it: take it out of the URL and out of PGOPTIONS, PGTZ, PGDATESTYLE and PGGEQO, or name it in the pooler's ignore_startup_parameters";
  if (mentions(message, "does not exist")) return "check the names of database and user in the URL";
  if (mentions(message, "translate host name")) return "check the host's name in the URL";
  if (mentions(message, "too many connections") || mentions(message, "remaining connection slots"))
    return "the server has no free connection: use a pooler, or raise max_connections";
  return "check that the server runs and that host and port are right: --database-url, DATABASE_URL, [database] url, or PGHOST and PGPORT";
}

/// The part of a URL or of key=value text that may hold a password which libpq would take for something else;
/// "" when there is none.
std::string unreadable_secret(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) {
    const auto password = url.find("password");
    return password == std::string::npos ? "" : url.substr(password + std::string_view{"password"}.size());
  }
  const auto at = url.rfind('@');
  const auto colon = url.find(':', scheme + 3);
  if (at == std::string::npos || colon == std::string::npos || colon > at) return "";
  const std::string secret = url.substr(colon + 1, at - colon - 1);
  return secret.find_first_of("@/?#%") == std::string::npos ? "" : secret;
}

/// Whether libpq's message quotes a piece of the password: of a URL that it cannot read it tells the piece
/// that it stumbled over.
bool quotes_secret(const std::string& message, const std::string& secret) {
  for (auto from = message.find('"'); from != std::string::npos;) {
    const auto to = message.find('"', from + 1);
    if (to == std::string::npos) return false;
    const std::string piece = message.substr(from + 1, to - from - 1);
    // Misread from within the password on, the piece ends with the true host.
    if (!piece.empty() && mentions(secret, piece.substr(0, piece.rfind('@')).c_str())) return true;
    from = message.find('"', to + 1);
  }
  return false;
}

/// libpq's own settings, where neither the user nor the URL says otherwise.
void set_connection_defaults() {
  setenv("PGCONNECT_TIMEOUT", "10", 0);
  setenv("PGAPPNAME", "jobwatchdog", 0);
  setenv("PGTARGETSESSIONATTRS", "read-write", 0);  // Only the primary decides.
}

std::string names_of(const std::vector<Migration>& migrations) {
  std::vector<std::string> names;
  for (const Migration& migration : migrations) names.push_back(migration.name);
  return joined(names);
}

}  // namespace

ExitCode report(const Failure& failure) {
  for (const Problem& problem : failure.problems) {
    std::cerr << "error: " << (problem.where.empty() ? "" : problem.where + ": ") << problem.what << "\n";
    if (!problem.mend.empty()) std::cerr << "  mend: " << problem.mend << "\n";
  }
  return failure.code;
}

Outcome<Configuration> open_configuration(const GlobalOptions& options) {
  const Result<EnvironmentSettings, ConfigurationProblems> environment = settings_of_environment();
  if (!environment.ok()) return Failure{ExitCode::configuration, environment.error()};
  Result<Configuration, ConfigurationProblems> configuration =
      load_configuration(options.config_path, environment.value());
  if (!configuration.ok()) return Failure{ExitCode::configuration, configuration.error()};
  return std::move(configuration.value());
}

std::string database_url(const GlobalOptions& options, const Configuration& configuration) {
  return options.database_url.empty() ? configuration.database_url : options.database_url;
}

Outcome<Connection> open_connection(const GlobalOptions& options, const Configuration& configuration) {
  set_connection_defaults();
  const std::string url = database_url(options, configuration);
  DatabaseResult<Connection> connection = Connection::open(url, configuration.session);
  if (connection.ok()) return std::move(connection.value());
  const std::string& message = connection.error().message;
  if (quotes_secret(message, unreadable_secret(url))) {
    return Failure{
        ExitCode::configuration,
        {{"database url", "it cannot be read; what libpq says of it would show a part of the password",
          "write @ : / ? # % in user and password as %40 %3A %2F %3F %23 %25; in key=value text quote the value"}}};
  }
  const bool malformed = mentions(message, "invalid connection option") ||
                         mentions(message, "missing \"=\"") || mentions(message, "invalid URI") ||
                         mentions(message, "invalid percent-encoded") ||
                         mentions(message, "invalid integer value") || mentions(message, "forbidden value");
  if (malformed)
    return Failure{ExitCode::configuration,
                   {{"database url", message, "write postgresql://user:password@host:5432/database"}}};
  return Failure{ExitCode::database_unreachable, {{"database", message, connection_mend(message)}}};
}

void warn_of_standby(Connection& connection) {
  const DatabaseResult<Rows> rows =
      connection.query("SELECT pg_last_xact_replay_timestamp()::text AS replayed WHERE pg_is_in_recovery()",
                       {}, {.read_only = true});
  if (!rows.ok() || rows.value().size() == 0) return;
  log(LogLevel::warning,
      "this is a standby: what is read here was true when it last heard of the primary (the last change that it knows is of " +
          rows.value().at(0, "replayed").value_or("an unknown time") + ")");
}

Outcome<SchemaState> open_schema(Connection& connection, const Configuration& configuration) {
  DatabaseResult<SchemaState> read = read_schema_state(connection);
  if (!read.ok()) return failure_of("reading the schema's version", read.error());
  const SchemaState& state = read.value();
  if (state.newer_is_breaking) {
    return Failure{
        ExitCode::schema_out_of_date,
        {{"schema",
          "the database has migrations that this binary (" JOBWATCHDOG_VERSION ") does not know: " +
              joined(state.newer),
          "install a newer jobwatchdog"}}};
  }
  if (!configuration.is_builtin) {
    if (state.any_watch && !state.has_watch) {
      log(LogLevel::warning, "the history in schema watchdog is older than this binary; it is not written",
          {{"mend", "run `jobwatchdog migrate --watch`"}});
    }
    return std::move(read.value());
  }
  if (!state.hidden_because.empty()) {
    return Failure{ExitCode::failure, {{"schema", state.hidden_because, rights_mend}}};
  }
  if (!state.any_managed) {
    return Failure{
        ExitCode::schema_out_of_date,
        {{"schema",
          "there is no jobwatchdog.toml, and the database does not have the managed schema of the built-in rules",
          "for your own tables: `jobwatchdog adopt --output jobwatchdog.toml`; for the managed schema: `jobwatchdog migrate`"}}};
  }
  if (!state.missing.empty() || !state.functions_current) {
    const std::string missing = state.missing.empty() ? "its functions are of another version"
                                                      : "missing: " + names_of(state.missing);
    return Failure{ExitCode::schema_out_of_date,
                   {{"schema", "the database's schema is older than this binary; " + missing,
                     "run `jobwatchdog migrate`"}}};
  }
  return std::move(read.value());
}

Outcome<Connection> open_managed(const GlobalOptions& options, const Configuration& configuration) {
  Outcome<Connection> connection = open_connection(options, configuration);
  if (!connection.ok()) return connection.error();
  const Outcome<SchemaState> schema = open_schema(connection.value(), configuration);
  if (!schema.ok()) return schema.error();
  if (schema.value().has_managed) return std::move(connection.value());
  return Failure{ExitCode::schema_out_of_date,
                 {{"database", "the managed schema is not there", "run `jobwatchdog migrate`"}}};
}

std::optional<Failure> watch_added_tools(Connection& connection, Configuration& configuration) {
  if (!configuration.is_builtin) return std::nullopt;
  const DatabaseResult<Rows> rows =
      connection.query("SELECT table_name FROM watchdog.tools ORDER BY table_name", {}, {.read_only = true});
  if (!rows.ok()) return failure_of("reading watchdog.tools", rows.error());
  for (Rule& rule : configuration.rules) {
    if (!rule.settle_function) continue;
    for (std::size_t i = 0; i < rows.value().size(); ++i) {
      const QualifiedName table{"public", rows.value().text(i, "table_name")};
      if (std::find(rule.tables.begin(), rule.tables.end(), table) == rule.tables.end())
        rule.tables.push_back(table);
    }
  }
  return std::nullopt;
}

Failure failure_of(const std::string& doing, const DatabaseError& error) {
  using Kind = DatabaseError::Kind;
  const bool gone =
      error.kind == Kind::unreachable || error.kind == Kind::connection_lost || error.sqlstate == "25006";
  std::string mend = gone ? "try again; nothing was left half done" : "";
  if (error.sqlstate == "42501") mend = rights_mend;
  if (error.sqlstate == "25006") mend = "this connection may only read: connect to the primary";
  if (error.sqlstate == "22023" && mentions(error.message, "role"))
    mend = "check [database] role: it must exist, and the connected role must be a member of it";
  return {gone ? ExitCode::database_unreachable : ExitCode::failure, {{doing, error_text(error), mend}}};
}

}  // namespace jobwatchdog
