-- The laws of the money and of the living. Each count but the last must be zero; the last counts who was spared.
SELECT (SELECT count(*) FROM public.upscaler_credits AS credits
         WHERE balance <> opening + (SELECT COALESCE(sum(amount), 0) FROM watchdog.credit_ledger AS entry
                                      WHERE entry.user_id = credits.user_id)) AS "balances off",
       (SELECT count(*) FROM (SELECT FROM watchdog.credit_ledger WHERE kind = 'refund'
                               GROUP BY tool, job_id HAVING count(*) > 1) AS twice) AS "refunded twice",
       (SELECT count(*) FROM public.ai_jobs
         WHERE status IN ('failed', 'cancelled') AND credits_charged AND NOT credits_refunded) AS "refunds owed",
       (SELECT count(*) FROM public.ai_jobs WHERE status = 'completed' AND credits_refunded) AS "completed and refunded",
       (SELECT count(*) FROM public.ai_jobs
         WHERE session_id LIKE 'session-%' AND status IN ('pending', 'queued', 'starting', 'running')) AS "living jobs";
