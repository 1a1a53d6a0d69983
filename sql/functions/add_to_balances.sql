-- Balances move in the order of users, so that two settlements that pay the same users cannot deadlock. An upsert has an
-- ORDER BY, but costs three times as much, so it serves only where somebody has no balance yet. An update has none: what
-- keeps its order are joins that keep it (no hash join) and no other way into the table than the index of its users.
-- Planning without those would be tempted to compile, hence no JIT.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.add_to_balances(p_users uuid[], p_amounts integer[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_hashjoin = 'off' SET enable_seqscan = 'off' SET jit = 'off'
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    IF EXISTS (SELECT FROM unnest(p_users) AS paid (user_id)
                WHERE NOT EXISTS (SELECT FROM public.upscaler_credits AS credits WHERE credits.user_id = paid.user_id)) THEN
        INSERT INTO public.upscaler_credits AS credits (user_id, balance, opening)
        SELECT paid.user_id, pg_catalog.sum(paid.amount)::integer, 0
          FROM unnest(p_users, p_amounts) AS paid (user_id, amount)
         GROUP BY paid.user_id ORDER BY paid.user_id
            ON CONFLICT (user_id) DO UPDATE SET balance = credits.balance + excluded.balance, updated_at = v_now;
        RETURN;
    END IF;
    UPDATE public.upscaler_credits AS credits SET balance = credits.balance + due.amount, updated_at = v_now
      FROM (SELECT paid.user_id, pg_catalog.sum(paid.amount)::integer AS amount
              FROM unnest(p_users, p_amounts) AS paid (user_id, amount)
             GROUP BY paid.user_id ORDER BY paid.user_id) AS due
     WHERE credits.user_id = due.user_id;
END
$$;
COMMENT ON FUNCTION watchdog.add_to_balances(uuid[], integer[]) IS
    'Adds each amount to the balance of its user. The caller has written the ledger entries; nobody else may call it.';
REVOKE ALL ON FUNCTION watchdog.add_to_balances(uuid[], integer[]) FROM PUBLIC, anon, authenticated, service_role;
