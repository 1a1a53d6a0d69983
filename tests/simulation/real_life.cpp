// A managed database with a clock of its own.
#include "tests/simulation/real_life.hpp"

#include <algorithm>
#include <stdexcept>

#include "tests/simulation/table_lines.hpp"

namespace jobwatchdog::test {
namespace {

/// The functions stay as they are, but for the clock: wherever they ask the server's, they ask the test's.
constexpr const char* own_clock = R"sql(
CREATE TABLE watchdog.test_clock (now timestamptz NOT NULL);
INSERT INTO watchdog.test_clock VALUES (clock_timestamp());
CREATE FUNCTION watchdog.test_now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
    AS 'SELECT clock.now FROM watchdog.test_clock AS clock';
CREATE FUNCTION public.test_ms(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE
    AS 'SELECT round(extract(epoch FROM p_at) * 1000)::bigint::text';
CREATE FUNCTION public.test_line(VARIADIC p_fields text[]) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$SELECT array_to_string(p_fields, ' | ', '-')$$;
DO $$
DECLARE
    v_text text;
BEGIN
    FOR v_text IN SELECT pg_get_functiondef(known.oid) FROM pg_proc AS known
                   WHERE known.pronamespace IN ('watchdog'::regnamespace, 'public'::regnamespace)
                     AND known.prosrc LIKE '%pg_catalog.clock_timestamp()%' LOOP
        EXECUTE replace(v_text, 'pg_catalog.clock_timestamp()', 'watchdog.test_now()');
    END LOOP;
    FOR v_text IN SELECT format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT watchdog.test_now()', own.adrelid::regclass, col.attname)
                    FROM pg_attrdef AS own JOIN pg_attribute AS col ON col.attrelid = own.adrelid AND col.attnum = own.adnum
                    JOIN pg_class AS class ON class.oid = own.adrelid
                   WHERE class.relnamespace IN ('watchdog'::regnamespace, 'public'::regnamespace)
                     AND pg_get_expr(own.adbin, own.adrelid) IN ('clock_timestamp()', 'now()') LOOP
        EXECUTE v_text;
    END LOOP;
END
$$)sql";

/// Triggers and keys guard what is there; between two lives all of it goes.
constexpr const char* clean_slate = R"sql(
SET session_replication_role = replica;
TRUNCATE public.ai_jobs, watchdog.active_jobs, watchdog.provider_slots, watchdog.submissions, watchdog.webhook_inbox,
         watchdog.orphan_tasks, watchdog.runninghub_accounts, watchdog.credit_ledger, public.upscaler_credits, public.audit_log;
RESET session_replication_role)sql";

std::string milliseconds_text(Duration duration) { return std::to_string(duration.ms) + " milliseconds"; }

Connection connected(const std::string& url) {
  DatabaseResult<Connection> connection = Connection::open(url, {});
  if (!connection.ok()) throw std::runtime_error(connection.error().message);
  return std::move(connection.value());
}

}  // namespace

RealLife::RealLife() : database_(Database::managed()), connection_(connected(database_.url())) {
  database_.exec(own_clock);
}

void RealLife::set_clock(Instant now) {
  database_.exec("UPDATE watchdog.test_clock SET now = to_timestamp(" + std::to_string(now.ms) +
                 "::numeric / 1000)");
}

void RealLife::begin(const Tables& tables, Instant now) {
  set_clock(now);
  database_.exec(clean_slate);
  for (const auto& [name, tool] : tables.tools) {
    database_.exec("UPDATE watchdog.tools SET account = " + sql_text(tool.account) + ", webhook_path = " +
                   sql_text(tool.webhook_path) + ", attempts_max = " + std::to_string(tool.attempts_max) +
                   ", queued_stale_after = " + sql_text(milliseconds_text(tool.queued_stale_after)) +
                   ", stale_after = " + sql_text(milliseconds_text(tool.stale_after)) +
                   ", hard_deadline_after = " + sql_text(milliseconds_text(tool.hard_deadline_after)) +
                   " WHERE tool = " + sql_text(name));
  }
  for (const auto& [name, account] : tables.accounts)
    database_.exec("INSERT INTO watchdog.runninghub_accounts (account) VALUES (" + sql_text(name) + ")");
  for (const auto& [place, slot] : tables.slots)
    database_.exec("INSERT INTO watchdog.provider_slots (account, slot) VALUES (" + sql_text(place.first) +
                   ", " + std::to_string(place.second) + ")");
  for (const auto& [user, row] : tables.balances)
    database_.exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES (" + sql_text(user) + ", " +
                   std::to_string(row.balance) + ")");
}

LifeStore& RealLife::store(const std::string& owner) {
  return stores_.try_emplace(owner, connection_, LeaseHolder{.owner = owner}, [] { return false; })
      .first->second;
}

std::vector<std::string> RealLife::lines() {
  std::vector<std::string> lines;
  for (const std::vector<std::string>& row : database_.rows(lines_query)) lines.push_back(row.front());
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace jobwatchdog::test
