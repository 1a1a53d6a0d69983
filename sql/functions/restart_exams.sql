-- Sends exams back to pending if they still hang. Guarded by status and age again, because time passed since they were found.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.restart_exams(p_exam_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
    v_exam_ids uuid[];
BEGIN
    WITH restarted AS (
        UPDATE public.exams AS exam SET status = 'pending', updated_at = v_now
         WHERE exam.id = ANY (p_exam_ids) AND exam.status = 'analyzing' AND exam.updated_at < v_now - interval '5 minutes'
     RETURNING exam.id)
    SELECT COALESCE(pg_catalog.array_agg(restarted.id), '{}') INTO v_exam_ids FROM restarted;
    RETURN v_exam_ids;
END
$$;
COMMENT ON FUNCTION watchdog.restart_exams(uuid[]) IS 'Moves the given exams from analyzing to pending when they are stuck. Returns the ones it moved.';
REVOKE ALL ON FUNCTION watchdog.restart_exams(uuid[]) FROM PUBLIC, anon, authenticated, service_role;
