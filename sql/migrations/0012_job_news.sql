--! set: managed
-- Whoever changes a job tells the nodes of it, so that pages hear at once.
-- Nodes and sweeps set watchdog.news to 'later': they tell after their commit, because a NOTIFY within it makes all commits of the
-- database wait for one another.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Its body lives in sql/functions, which the runner loads after this.
CREATE FUNCTION watchdog.tell_of_job() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$ BEGIN RETURN NULL; END $$;

CREATE TRIGGER changes_are_told
    AFTER INSERT OR UPDATE ON public.ai_jobs FOR EACH ROW
    WHEN (pg_catalog.current_setting('watchdog.news', true) IS DISTINCT FROM 'later')
    EXECUTE FUNCTION watchdog.tell_of_job();
