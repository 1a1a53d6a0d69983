-- The same work as a sweep does, row by row in PL/pgSQL: guard, charge, job, slot, admission, ledger, balance, evidence.
DO $$
DECLARE
    v_tool text;
    job record;
    v_amount integer;
BEGIN
    FOR v_tool IN SELECT known.tool FROM watchdog.tools AS known ORDER BY known.tool LOOP
        FOR job IN SELECT id, user_id, status, COALESCE(started_at, queued_at, created_at) AS aged_since FROM public.ai_jobs
                    WHERE tool = v_tool AND status IN ('queued', 'starting', 'running')
                      AND COALESCE(started_at, queued_at, created_at) < now() - interval '10 min'
                    ORDER BY COALESCE(started_at, queued_at, created_at) FOR UPDATE SKIP LOCKED
        LOOP
            SELECT -amount INTO v_amount FROM watchdog.credit_ledger WHERE tool = v_tool AND job_id = job.id AND kind = 'charge';
            UPDATE public.ai_jobs
               SET status = 'failed', error_message = 'Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.',
                   completed_at = now(), updated_at = now(), position = NULL, credits_refunded = true
             WHERE tool = v_tool AND id = job.id AND status IN ('queued', 'starting', 'running');
            UPDATE watchdog.provider_slots SET state = 'cancelling', changed_at = now(), deadline_at = now() + interval '12 min'
             WHERE tool = v_tool AND job_id = job.id;
            DELETE FROM watchdog.active_jobs WHERE tool = v_tool AND job_id = job.id;
            INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
            VALUES (v_tool, job.id, 'refund', job.user_id, v_amount, 'Refund: job failed') ON CONFLICT (tool, job_id, kind) DO NOTHING;
            IF FOUND THEN
                UPDATE public.upscaler_credits SET balance = balance + v_amount, updated_at = now() WHERE user_id = job.user_id;
            END IF;
            INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
            VALUES ('loop', v_tool, job.id, jsonb_build_object('status', job.status, 'aged_since', job.aged_since),
                    jsonb_build_object('status', 'failed', 'refund', v_amount), 'loop');
        END LOOP;
    END LOOP;
END
$$;
