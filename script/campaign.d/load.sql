-- What goes on beside the sweeps, once through: cancels by owners and administrators, credits taken and given, and both
-- cleanups of pg_cron. Variables: seed, rounds. Jobs are cancelled whatever their state is, as impatient people do.
SELECT setseed(:seed / 32768.0) \g /dev/null
CREATE TEMP TABLE step AS SELECT i, random() AS draw FROM generate_series(1, :rounds) AS i;
CREATE PROCEDURE pg_temp.act(p_draw double precision) LANGUAGE plpgsql AS $$
DECLARE
    v_job record;
BEGIN
    PERFORM pg_sleep(random() * 0.02);
    SELECT known.table_name, job.id, job.user_id INTO v_job FROM public.ai_jobs AS job JOIN watchdog.tools AS known USING (tool)
     WHERE job.session_id IS NULL ORDER BY random() LIMIT 1;
    COMMIT;
    IF p_draw < 0.35 THEN
        PERFORM set_config('request.jwt.claims', jsonb_build_object('role', 'authenticated', 'sub', v_job.user_id)::text, true);
        PERFORM public.user_cancel_ai_job(v_job.table_name, v_job.id);
    ELSIF p_draw < 0.6 THEN
        PERFORM public.admin_cancel_job(v_job.table_name, v_job.id);
    ELSIF p_draw < 0.75 THEN
        PERFORM public.consume_upscaler_credits(v_job.user_id, 5, 'load');
    ELSIF p_draw < 0.9 THEN
        PERFORM public.refund_upscaler_credits(v_job.user_id, 5, 'load');
    ELSIF p_draw < 0.95 THEN
        PERFORM public.cleanup_stuck_analyzing_exams();
    ELSE
        PERFORM public.cleanup_all_stale_ai_jobs();
    END IF;
    COMMIT;
END
$$;
SELECT format('CALL pg_temp.act(%s)', draw) FROM step ORDER BY i \gexec
