-- One bounded pass over exams that hang in analyzing for five minutes, for pg_cron. One bad exam never stops the others.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.cleanup_stuck_analyzing_exams()
RETURNS TABLE (cleaned_count integer, exam_ids uuid[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '500ms'
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
    v_found uuid[];
    v_id uuid;
BEGIN
    -- Exams that were isolated before come last, so that they never use up the bound.
    SELECT pg_catalog.array_agg(stuck.id) INTO v_found FROM (
        SELECT exam.id FROM public.exams AS exam
         WHERE exam.status = 'analyzing' AND exam.updated_at < v_now - interval '5 minutes'
         ORDER BY EXISTS (SELECT FROM watchdog.isolated_rows AS bad WHERE bad.rule_name = 'stuck-exams'
                             AND bad.table_name = 'exams' AND bad.record_id = exam.id::text),
                  exam.updated_at, exam.id
         LIMIT 10000 FOR UPDATE SKIP LOCKED) AS stuck;
    exam_ids := '{}';
    BEGIN
        exam_ids := watchdog.restart_exams(v_found);
    EXCEPTION WHEN OTHERS THEN
        FOREACH v_id IN ARRAY v_found LOOP
            BEGIN
                exam_ids := exam_ids || watchdog.restart_exams(ARRAY[v_id]);
            EXCEPTION WHEN OTHERS THEN
                IF NOT watchdog.error_is_transient(SQLSTATE) THEN
                    PERFORM watchdog.isolate_row('stuck-exams', 'exams', v_id::text, SQLSTATE, SQLERRM);
                END IF;
            END;
        END LOOP;
    END;
    cleaned_count := pg_catalog.cardinality(exam_ids);
    IF cleaned_count > 0 THEN
        DELETE FROM watchdog.isolated_rows AS known
         WHERE known.rule_name = 'stuck-exams' AND known.table_name = 'exams' AND known.record_id = ANY (exam_ids::text[]);
        PERFORM watchdog.write_audit('cleanup_stuck_analyzing_exams', 'exams', NULL, NULL,
                                     pg_catalog.jsonb_build_object('cleaned_count', cleaned_count, 'ids', exam_ids));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION public.cleanup_stuck_analyzing_exams() IS
    'Sends exams that hang in analyzing back to pending, at most 10,000 per call. Always one row.';
REVOKE ALL ON FUNCTION public.cleanup_stuck_analyzing_exams() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.cleanup_stuck_analyzing_exams() TO service_role;
