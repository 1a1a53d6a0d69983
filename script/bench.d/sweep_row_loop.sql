-- The same settlement as most applications write it: row by row, in one transaction, nothing isolated or recorded.
DO $$
DECLARE
    job record;
BEGIN
    FOR job IN SELECT id, user_id, user_credit_cost FROM public.upscaler_jobs
                WHERE status IN ('queued', 'starting', 'running')
                  AND COALESCE(started_at, queued_at, created_at) < now() - interval '10 min' FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE public.upscaler_jobs
           SET status = 'failed', error_message = 'Timed out', completed_at = now(), updated_at = now(), credits_refunded = true
         WHERE tool = 'upscaler' AND id = job.id;
        INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
        VALUES ('upscaler', job.id, 'refund', job.user_id, job.user_credit_cost, 'Refund: job failed');
        UPDATE public.upscaler_credits SET balance = balance + job.user_credit_cost, updated_at = now() WHERE user_id = job.user_id;
    END LOOP;
END
$$;
