-- A way to settle that pays in a second transaction: right as long as nothing goes wrong between the two.
DELETE FROM public.ai_jobs WHERE session_id IS NOT NULL;
DELETE FROM campaign.wealth WHERE user_id IN (campaign.user_id(98), campaign.user_id(99));
CREATE EXTENSION dblink;
CREATE OR REPLACE FUNCTION watchdog.settle_locked_jobs(
    p_table_name text, p_keys uuid[], p_set jsonb, p_attempts integer[] DEFAULT NULL, p_output_urls text[] DEFAULT NULL,
    p_error_messages text[] DEFAULT NULL, p_task_has_ended boolean DEFAULT false)
RETURNS TABLE (key uuid, refunded_amount integer) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_job record;
    v_here text := format('dbname=%s host=%s port=%s', current_database(), current_setting('unix_socket_directories'), current_setting('port'));
BEGIN
    FOR v_job IN
        UPDATE public.ai_jobs AS job SET status = p_set ->> 'status', completed_at = clock_timestamp(), credits_refunded = job.credits_charged
         WHERE job.tool = watchdog.tool_of_table(p_table_name) AND job.id = ANY (p_keys) AND job.status IN ('pending', 'queued', 'starting', 'running')
        RETURNING job.* LOOP
        UPDATE watchdog.provider_slots SET state = 'cancelling', deadline_at = now() + interval '12 min' WHERE (tool, job_id) = (v_job.tool, v_job.id);
        DELETE FROM watchdog.active_jobs WHERE (tool, job_id) = (v_job.tool, v_job.id);
        key := v_job.id;
        refunded_amount := CASE WHEN v_job.credits_charged THEN v_job.user_credit_cost ELSE 0 END;
        IF refunded_amount > 0 THEN
            PERFORM public.dblink_exec(v_here, format(
                'WITH paid AS (INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount) VALUES (%L, %L, ''refund'', %L, %s) ON CONFLICT DO NOTHING RETURNING amount) '
                'UPDATE public.upscaler_credits SET balance = balance + paid.amount FROM paid WHERE user_id = %L',
                v_job.tool, v_job.id, v_job.user_id, refunded_amount, v_job.user_id));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
