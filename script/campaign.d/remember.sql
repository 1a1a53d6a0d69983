-- Keeps the rows that the seed made, and makes the procedure that brings them back: cheaper than a new database each round,
-- which has hundreds of files to write and to sync.
CREATE TABLE campaign.kept AS
SELECT format('%I.%I', space.nspname, class.relname) AS name, 'campaign.kept_' || class.oid AS copy
  FROM pg_class AS class JOIN pg_namespace AS space ON space.oid = class.relnamespace
 WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition AND space.nspname IN ('public', 'watchdog');
SELECT format('CREATE TABLE %s AS TABLE %s', copy, name) FROM campaign.kept \gexec

CREATE PROCEDURE campaign.reseed() LANGUAGE plpgsql AS $$
DECLARE
    v_kept campaign.kept%ROWTYPE;
BEGIN
    -- Without triggers: the ledger refuses to be emptied, openings are as they were.
    SET LOCAL session_replication_role = replica;
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(name, ', ') FROM campaign.kept);
    FOR v_kept IN SELECT * FROM campaign.kept LOOP
        EXECUTE format('INSERT INTO %s OVERRIDING SYSTEM VALUE TABLE %s', v_kept.name, v_kept.copy);
    END LOOP;
END
$$;
