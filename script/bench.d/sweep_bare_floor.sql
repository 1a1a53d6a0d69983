-- The least that settling these jobs can cost: one statement for the jobs, one for the ledger, no balances, no checks.
BEGIN;
UPDATE public.upscaler_jobs
   SET status = 'failed', error_message = 'Timed out', completed_at = now(), updated_at = now(), credits_refunded = true
 WHERE status IN ('queued', 'starting', 'running') AND COALESCE(started_at, queued_at, created_at) < now() - interval '10 min';
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
SELECT 'upscaler', id, 'refund', user_id, user_credit_cost, 'Refund: job failed' FROM public.upscaler_jobs WHERE credits_refunded;
COMMIT;
