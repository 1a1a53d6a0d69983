-- Gives credits that belong to no job. Jobs of ours are refunded by watchdog.settle_jobs, once; this one gives each time.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.refund_upscaler_credits(_user_id uuid, _amount integer, _description text DEFAULT 'Refund')
RETURNS TABLE (success boolean, new_balance integer, error_message text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    success := false;
    new_balance := COALESCE((SELECT credits.balance FROM public.upscaler_credits AS credits WHERE credits.user_id = _user_id), 0);
    IF _user_id IS NULL THEN
        error_message := 'User is missing';
    ELSIF _amount IS NULL OR _amount <= 0 THEN
        error_message := 'Amount must be greater than zero';
    ELSE
        BEGIN
            INSERT INTO watchdog.credit_ledger (kind, user_id, amount, description) VALUES ('grant', _user_id, _amount, _description);
            INSERT INTO public.upscaler_credits AS credits (user_id, balance, opening) VALUES (_user_id, _amount, 0)
                ON CONFLICT (user_id) DO UPDATE
               SET balance = credits.balance + excluded.balance, updated_at = pg_catalog.clock_timestamp()
            RETURNING credits.balance INTO new_balance;
            success := true;
        EXCEPTION WHEN numeric_value_out_of_range THEN
            error_message := 'Balance would be too large';
        END;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION public.refund_upscaler_credits(uuid, integer, text) IS
    'Gives credits to a user. Not safe to repeat: it knows no job. For servers only.';
REVOKE ALL ON FUNCTION public.refund_upscaler_credits(uuid, integer, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.refund_upscaler_credits(uuid, integer, text) TO service_role;
