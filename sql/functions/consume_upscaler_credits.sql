-- Takes credits that belong to no job. For servers only; answers in words instead of raising, because its callers show them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.consume_upscaler_credits(_user_id uuid, _amount integer, _description text DEFAULT 'Consumption')
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
        -- The balance is judged by the same statement that takes from it, so two calls cannot both see enough.
        UPDATE public.upscaler_credits AS credits
           SET balance = credits.balance - _amount, updated_at = pg_catalog.clock_timestamp()
         WHERE credits.user_id = _user_id AND credits.balance >= _amount
        RETURNING credits.balance INTO new_balance;
        success := FOUND;
        IF success THEN
            INSERT INTO watchdog.credit_ledger (kind, user_id, amount, description) VALUES ('consume', _user_id, -_amount, _description);
        ELSE
            new_balance := COALESCE((SELECT credits.balance FROM public.upscaler_credits AS credits WHERE credits.user_id = _user_id), 0);
            error_message := 'Insufficient credits';
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION public.consume_upscaler_credits(uuid, integer, text) IS
    'Takes credits from a user. Not safe to repeat: it knows no job. For servers only.';
REVOKE ALL ON FUNCTION public.consume_upscaler_credits(uuid, integer, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.consume_upscaler_credits(uuid, integer, text) TO service_role;
