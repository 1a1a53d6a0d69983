-- Makes balance = opening + ledger true from the first moment of a balance, whatever the ledger already holds.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.set_credits_opening() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    -- The trigger also fires for an insert that ends as ON CONFLICT DO UPDATE; that one needs no sum.
    IF EXISTS (SELECT FROM public.upscaler_credits AS credits WHERE credits.user_id = NEW.user_id) THEN
        NEW.opening := 0;
        RETURN NEW;
    END IF;
    NEW.opening := NEW.balance - COALESCE(
        (SELECT pg_catalog.sum(entry.amount) FROM watchdog.credit_ledger AS entry WHERE entry.user_id = NEW.user_id), 0)::integer;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION watchdog.set_credits_opening() IS 'Trigger of public.upscaler_credits: the opening is what the ledger does not explain.';
REVOKE ALL ON FUNCTION watchdog.set_credits_opening() FROM PUBLIC, anon, authenticated, service_role;
