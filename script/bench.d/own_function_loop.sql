-- The same settlement as a loop over rows that calls the user's refund function for each.
DO $$
DECLARE
    job record;
BEGIN
    FOR job IN SELECT id, user_id, cost FROM jobs WHERE status = 'running' AND created_at < now() - interval '10 min' FOR UPDATE SKIP LOCKED LOOP
        UPDATE jobs SET status = 'failed', error_message = 'Stopped after 10 minutes', completed_at = now(), refunded = true WHERE id = job.id;
        PERFORM refund_credits(job.user_id, job.cost, 'Refund: job timeout after 10 minutes');
    END LOOP;
END
$$;
