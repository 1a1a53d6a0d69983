-- The least that settling these jobs can cost: one statement for the jobs, one for the ledger. No look at the charge, no
-- balance, no evidence, no guard, all rows locked until the end.
BEGIN;
UPDATE public.ai_jobs
   SET status = 'failed', error_message = 'Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.',
       completed_at = now(), updated_at = now(), credits_refunded = true
 WHERE status IN ('queued', 'starting', 'running') AND COALESCE(started_at, queued_at, created_at) < now() - interval '10 min';
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
SELECT tool, id, 'refund', user_id, user_credit_cost, 'Refund: job failed' FROM public.ai_jobs WHERE credits_refunded;
COMMIT;
