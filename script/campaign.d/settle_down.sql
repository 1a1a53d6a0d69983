-- Waits until the sessions of dead clients have ended: until then their rows are locked, and a sweep passes them over.
DO $$
BEGIN
    FOR i IN 1..1500 LOOP
        PERFORM pg_stat_clear_snapshot();
        IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()) THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE EXCEPTION 'sessions of dead clients do not end';
END
$$;
