-- What became of them, who told, and what it cost their users.
SELECT job.status, count(*) AS jobs,
       count(*) FILTER (WHERE heard.is_there) AS "told by a webhook",
       count(*) FILTER (WHERE NOT heard.is_there) AS "webhook lost, found by asking",
       -sum(ledger.charged) AS charged, sum(ledger.refunded) AS "given back"
  FROM public.ai_jobs AS job
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM watchdog.webhook_inbox AS inbox WHERE inbox.job_id = job.id)) AS heard (is_there)
 CROSS JOIN LATERAL (SELECT sum(entry.amount) FILTER (WHERE entry.kind = 'charge') AS charged,
                            COALESCE(sum(entry.amount) FILTER (WHERE entry.kind = 'refund'), 0) AS refunded
                       FROM watchdog.credit_ledger AS entry WHERE entry.job_id = job.id) AS ledger
 GROUP BY job.status ORDER BY job.status;
