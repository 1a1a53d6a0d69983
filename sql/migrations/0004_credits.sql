--! set: managed
-- The money: balances, and the ledger that every balance can be recomputed from.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE watchdog.credit_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tool text,
    job_id uuid,
    kind text NOT NULL CONSTRAINT kind_is_known CHECK (kind IN ('charge', 'refund', 'consume', 'grant')),
    user_id uuid NOT NULL,
    amount integer NOT NULL,
    description text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT each_job_is_charged_once_and_refunded_once UNIQUE (tool, job_id, kind),
    CONSTRAINT charge_and_refund_name_a_job_and_others_none
        CHECK ((kind IN ('charge', 'refund')) = (job_id IS NOT NULL) AND (tool IS NULL) = (job_id IS NULL)),
    CONSTRAINT charge_and_consume_take_and_others_give
        CHECK (CASE WHEN kind IN ('charge', 'consume') THEN amount < 0 ELSE amount > 0 END)
);
CREATE INDEX credit_ledger_by_user ON watchdog.credit_ledger (user_id);
COMMENT ON TABLE watchdog.credit_ledger IS
    'Every movement of credits, append-only. A job keeps its entries even after it is deleted, so there is no foreign key.';

CREATE TRIGGER the_ledger_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON watchdog.credit_ledger FOR EACH STATEMENT
    EXECUTE FUNCTION watchdog.refuse_ledger_change();

CREATE TABLE public.upscaler_credits (
    user_id uuid PRIMARY KEY,
    balance integer NOT NULL CONSTRAINT balance_is_not_negative CHECK (balance >= 0),
    opening integer NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
COMMENT ON TABLE public.upscaler_credits IS 'What a user can spend. Always balance = opening + the sum of the ledger of this user.';
COMMENT ON COLUMN public.upscaler_credits.opening IS 'The part of the balance that the ledger does not explain. Set by a trigger when the row is made.';

CREATE TRIGGER opening_explains_what_the_ledger_does_not
    BEFORE INSERT ON public.upscaler_credits FOR EACH ROW
    EXECUTE FUNCTION watchdog.set_credits_opening();

ALTER TABLE watchdog.credit_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.credit_ledger FORCE ROW LEVEL SECURITY;
ALTER TABLE public.upscaler_credits ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON watchdog.credit_ledger, public.upscaler_credits FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON watchdog.credit_ledger TO service_role;
GRANT SELECT ON public.upscaler_credits TO authenticated;
-- No UPDATE for anyone: a balance moves only with a ledger entry, which the functions write.
GRANT SELECT, INSERT ON public.upscaler_credits TO service_role;

-- FORCE binds the owner too, and our functions run as the owner. The owner is looked up, not named, because every
-- installation has another one.
CREATE POLICY the_owner_reads_the_ledger ON watchdog.credit_ledger FOR SELECT
    USING (CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                            WHERE class.oid = 'watchdog.credit_ledger'::regclass));
CREATE POLICY the_owner_adds_to_the_ledger ON watchdog.credit_ledger FOR INSERT
    WITH CHECK (CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                                 WHERE class.oid = 'watchdog.credit_ledger'::regclass));

CREATE POLICY users_read_their_own_balance_and_admins_all ON public.upscaler_credits FOR SELECT TO authenticated
    USING ((SELECT watchdog.current_user_id()) = user_id OR (SELECT watchdog.caller_is_admin()));
