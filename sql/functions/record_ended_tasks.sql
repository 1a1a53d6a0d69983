-- What the provider says of tasks whose job is over. A confirmed end frees the slot of that very attempt, or closes the orphan. A
-- result that comes so late is kept beside the outcome, never over it, and never charged.
-- Locks: jobs by (tool, id), submissions, slots, orphans. A webhook, which locks no job, takes submissions before slots as well.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.record_ended_tasks(p_owner text, p_rows jsonb)
RETURNS TABLE (tool text, job_id uuid, attempt integer, became text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    PERFORM job.id FROM public.ai_jobs AS job
       JOIN pg_catalog.jsonb_to_recordset(p_rows) AS seen (tool text, job_id uuid) ON seen.tool = job.tool AND seen.job_id = job.id
      ORDER BY job.tool, job.id FOR UPDATE OF job;
    UPDATE watchdog.submissions AS submission SET task_ended_at = v_now
      FROM pg_catalog.jsonb_to_recordset(p_rows) AS seen (tool text, job_id uuid, attempt integer, has_ended boolean)
      JOIN public.ai_jobs AS job ON job.tool = seen.tool AND job.id = seen.job_id
     WHERE (submission.tool, submission.job_id, submission.attempt) = (seen.tool, seen.job_id, seen.attempt)
       AND job.status IN ('completed', 'failed', 'cancelled') AND seen.has_ended;
    UPDATE watchdog.provider_slots AS slot
       SET next_check_at = v_now + seen.next_check_ms * interval '1 ms', check_count = slot.check_count + 1,
           lease_owner = NULL, lease_until = NULL
      FROM pg_catalog.jsonb_to_recordset(p_rows) AS seen (tool text, job_id uuid, attempt integer, has_ended boolean, next_check_ms bigint)
     WHERE (slot.tool, slot.job_id, slot.attempt) = (seen.tool, seen.job_id, seen.attempt) AND slot.state = 'cancelling'
       AND NOT seen.has_ended;
    UPDATE watchdog.orphan_tasks AS orphan
       SET next_check_at = v_now + seen.next_check_ms * interval '1 ms', check_count = orphan.check_count + 1,
           lease_owner = NULL, lease_until = NULL
      FROM pg_catalog.jsonb_to_recordset(p_rows) AS seen (tool text, job_id uuid, attempt integer, has_ended boolean, next_check_ms bigint)
     WHERE (orphan.tool, orphan.job_id, orphan.attempt) = (seen.tool, seen.job_id, seen.attempt) AND NOT seen.has_ended;
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT told.*, known.table_name
          FROM pg_catalog.jsonb_to_recordset(p_rows) AS told (
                   tool text, job_id uuid, attempt integer, has_ended boolean, verdict text, output_url text, words jsonb)
          JOIN watchdog.tools AS known ON known.tool = told.tool
         WHERE told.has_ended),
    freed AS (
        UPDATE watchdog.provider_slots AS slot
           SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL,
               next_check_at = NULL, lease_until = NULL, lease_owner = NULL, check_count = 0, changed_at = v_now
          FROM seen
         WHERE (slot.tool, slot.job_id, slot.attempt) = (seen.tool, seen.job_id, seen.attempt) AND slot.state = 'cancelling'
     RETURNING seen.tool, seen.job_id, seen.attempt),
    closed AS (
        UPDATE watchdog.orphan_tasks AS orphan
           SET ended_at = v_now, end_verdict = seen.verdict, lease_owner = NULL, lease_until = NULL
          FROM seen
         WHERE (orphan.tool, orphan.job_id, orphan.attempt) = (seen.tool, seen.job_id, seen.attempt) AND orphan.ended_at IS NULL
     RETURNING seen.tool, seen.job_id, seen.attempt),
    kept AS (
        UPDATE public.ai_jobs AS job SET late_output_url = seen.output_url, updated_at = v_now
          FROM seen
         WHERE job.tool = seen.tool AND job.id = seen.job_id AND job.status IN ('failed', 'cancelled')
           AND seen.output_url IS NOT NULL AND job.late_output_url IS NULL
     RETURNING seen.tool, seen.job_id, seen.attempt),
    news AS MATERIALIZED (
        SELECT seen.*, CASE WHEN kept.job_id IS NOT NULL THEN 'late_result' ELSE 'ended' END AS news
          FROM seen LEFT JOIN kept ON (kept.tool, kept.job_id, kept.attempt) = (seen.tool, seen.job_id, seen.attempt)
         WHERE kept.job_id IS NOT NULL
            OR EXISTS (SELECT FROM freed WHERE (freed.tool, freed.job_id, freed.attempt) = (seen.tool, seen.job_id, seen.attempt))
            OR EXISTS (SELECT FROM closed WHERE (closed.tool, closed.job_id, closed.attempt) = (seen.tool, seen.job_id, seen.attempt))),
    told AS (
        INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
        SELECT 'record_ended_tasks', news.table_name, news.job_id::text, pg_catalog.jsonb_build_object('attempt', news.attempt),
               pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'task', news.verdict, 'late_output_url', CASE news.news WHEN 'late_result' THEN news.output_url END,
                   'provider', news.words)), p_owner
          FROM news)
    SELECT news.tool, news.job_id, news.attempt, news.news FROM news;
END
$$;
COMMENT ON FUNCTION watchdog.record_ended_tasks(text, jsonb) IS
    'Records [{tool, job_id, attempt, has_ended, verdict, output_url, next_check_ms, words}] of tasks whose job is over: each ended, or brought a late_result.';
REVOKE ALL ON FUNCTION watchdog.record_ended_tasks(text, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.record_ended_tasks(text, jsonb) TO service_role;
