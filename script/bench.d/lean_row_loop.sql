-- The loop as most applications write it: job, ledger and balance row by row; no look at the charge, no slot, no evidence.
DO $$
DECLARE
    job record;
BEGIN
    FOR job IN SELECT tool, id, user_id, user_credit_cost FROM public.ai_jobs
                WHERE status IN ('queued', 'starting', 'running')
                  AND COALESCE(started_at, queued_at, created_at) < now() - interval '10 min' FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE public.ai_jobs
           SET status = 'failed', error_message = 'Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.',
               completed_at = now(), updated_at = now(), credits_refunded = true
         WHERE tool = job.tool AND id = job.id;
        INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
        VALUES (job.tool, job.id, 'refund', job.user_id, job.user_credit_cost, 'Refund: job failed');
        UPDATE public.upscaler_credits SET balance = balance + job.user_credit_cost, updated_at = now() WHERE user_id = job.user_id;
    END LOOP;
END
$$;
