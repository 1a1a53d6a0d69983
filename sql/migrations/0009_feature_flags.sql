--! set: watch
-- Feature flags as lines of text that core parses, and the history of every change, for both modes.
-- The functions are here and not in sql/functions: those are loaded with the managed set only.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE watchdog.feature_flags (
    name text PRIMARY KEY CONSTRAINT name_is_written_like_a_variable CHECK (name ~ '^[A-Z][A-Z0-9_]{0,62}$'),
    definition text
        CONSTRAINT definition_is_not_blank_and_not_endless
        CHECK (pg_catalog.btrim(definition) <> '' AND pg_catalog.octet_length(definition) <= 16384),
    version bigint NOT NULL DEFAULT 1 CONSTRAINT version_is_positive CHECK (version > 0),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    updated_by text NOT NULL DEFAULT CURRENT_USER,
    reason text NOT NULL CONSTRAINT every_change_has_a_reason CHECK (pg_catalog.btrim(reason) <> '')
);
COMMENT ON TABLE watchdog.feature_flags IS 'What flags are set to here. Environment and file come before it; without a row the code default holds.';
COMMENT ON COLUMN watchdog.feature_flags.definition IS 'Rules in the grammar of README, "Feature flags". NULL: not set here, but its version goes on.';

CREATE TABLE watchdog.feature_flag_history (
    name text NOT NULL,
    version bigint NOT NULL,
    old_definition text,
    new_definition text,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE watchdog.feature_flag_history IS 'Every change of a flag: who, when, from what to what, why. Written by a trigger, append-only.';

-- Whoever writes and however, a change has the next version, its time and its author. The author is the user of the verified
-- token, as in the managed schema, else the database role.
CREATE FUNCTION watchdog.stamp_feature_flag() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    NEW.version := 1;
    IF TG_OP = 'UPDATE' THEN
        NEW.name := OLD.name;
        NEW.version := OLD.version + 1;
    END IF;
    NEW.updated_at := pg_catalog.clock_timestamp();
    NEW.updated_by := COALESCE(NULLIF(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', CURRENT_USER);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION watchdog.stamp_feature_flag() IS 'Trigger of watchdog.feature_flags: version, time and author of a change.';

-- The history belongs to the owner: who may set a flag may not write history, so it is written with the owner's rights.
CREATE FUNCTION watchdog.record_feature_flag() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_old_definition text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_old_definition := OLD.definition;
    END IF;
    INSERT INTO watchdog.feature_flag_history (name, version, old_definition, new_definition, changed_at, changed_by, reason)
    VALUES (NEW.name, NEW.version, v_old_definition, NEW.definition, NEW.updated_at, NEW.updated_by, NEW.reason);
    PERFORM pg_catalog.pg_notify('watchdog_feature_flags', NEW.name);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION watchdog.record_feature_flag() IS 'Trigger of watchdog.feature_flags: writes the history and tells who listens on watchdog_feature_flags.';

CREATE FUNCTION watchdog.refuse_flag_history_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION '% is refused on %.%: what happened to a flag stays told', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'To take a flag back, set its definition to NULL.';
END
$$;
COMMENT ON FUNCTION watchdog.refuse_flag_history_change() IS 'Trigger: history is never changed, and a flag is never deleted, for its version must go on.';

CREATE TRIGGER a_change_is_stamped
    BEFORE INSERT OR UPDATE ON watchdog.feature_flags FOR EACH ROW
    EXECUTE FUNCTION watchdog.stamp_feature_flag();
CREATE TRIGGER a_change_is_recorded
    AFTER INSERT OR UPDATE ON watchdog.feature_flags FOR EACH ROW
    EXECUTE FUNCTION watchdog.record_feature_flag();
CREATE TRIGGER a_flag_is_not_deleted
    BEFORE DELETE OR TRUNCATE ON watchdog.feature_flags FOR EACH STATEMENT
    EXECUTE FUNCTION watchdog.refuse_flag_history_change();
CREATE TRIGGER the_history_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON watchdog.feature_flag_history FOR EACH STATEMENT
    EXECUTE FUNCTION watchdog.refuse_flag_history_change();

-- The one way in: a change that was made from an older version than the present one is not made, and the present one is told.
-- Version 0 is a flag that was never set.
CREATE FUNCTION watchdog.set_feature_flag(p_name text, p_definition text, p_reason text, p_expected_version bigint DEFAULT NULL)
RETURNS TABLE (is_set boolean, version bigint, definition text, updated_at timestamptz, updated_by text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    v_version bigint;
    v_set_version bigint;
BEGIN
    SELECT flag.version INTO v_version FROM watchdog.feature_flags AS flag WHERE flag.name = p_name FOR UPDATE;
    IF p_expected_version IS NULL OR p_expected_version = COALESCE(v_version, 0) THEN
        -- Two first settings at once meet in the key: the second sees the first one's version here.
        INSERT INTO watchdog.feature_flags AS flag (name, definition, reason) VALUES (p_name, p_definition, p_reason)
        ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, reason = excluded.reason
         WHERE p_expected_version IS NULL OR flag.version = p_expected_version
        RETURNING flag.version INTO v_set_version;
    END IF;
    -- Without a row there is nothing to tell but that version 0 was not the expected one.
    RETURN QUERY SELECT v_set_version IS NOT NULL, COALESCE(flag.version, 0), flag.definition, flag.updated_at, flag.updated_by
                   FROM (VALUES (p_name)) AS asked (name) LEFT JOIN watchdog.feature_flags AS flag ON flag.name = asked.name;
END
$$;
COMMENT ON FUNCTION watchdog.set_feature_flag(text, text, text, bigint) IS
    'Sets a flag, or with NULL takes it back, if its version is still the expected one (NULL: whatever it is). Tells what it is now.';

-- The grants decide who gets in, also for a login role of watch mode that does not bypass row level security.
ALTER TABLE watchdog.feature_flags ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.feature_flag_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY the_grants_decide ON watchdog.feature_flags USING (true) WITH CHECK (true);
CREATE POLICY the_grants_decide ON watchdog.feature_flag_history FOR SELECT USING (true);

REVOKE ALL ON watchdog.feature_flags, watchdog.feature_flag_history FROM PUBLIC;
REVOKE ALL ON FUNCTION watchdog.stamp_feature_flag(), watchdog.record_feature_flag(), watchdog.refuse_flag_history_change(),
    watchdog.set_feature_flag(text, text, text, bigint) FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles AS role WHERE role.rolname = 'service_role') THEN
        GRANT SELECT, INSERT, UPDATE ON watchdog.feature_flags TO service_role;
        GRANT SELECT ON watchdog.feature_flag_history TO service_role;
        GRANT EXECUTE ON FUNCTION watchdog.set_feature_flag(text, text, text, bigint) TO service_role;
    END IF;
END
$$;
