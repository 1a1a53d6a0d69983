-- The table that remembers which migrations a database has; the binary runs this file before anything else.
-- It may run any number of times: the lock keeps two first runs from creating the schema at the same moment.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('jobwatchdog.migration_table', 0));

CREATE SCHEMA IF NOT EXISTS watchdog;

CREATE TABLE IF NOT EXISTS watchdog.schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    migration_set text NOT NULL CONSTRAINT migration_set_is_watch_or_managed CHECK (migration_set IN ('watch', 'managed')),
    breaking boolean NOT NULL DEFAULT false,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

COMMENT ON SCHEMA watchdog IS 'jobwatchdog: not exposed to browsers; tables are private, functions are the way in.';
COMMENT ON TABLE watchdog.schema_migrations IS 'One row per applied migration. The row goes in before the migration runs, so two runners collide here.';
