-- What every round on somebody else's tables starts from: orders and videos that hang, one wallet a user, a refund function of their
-- own, and two rows that nobody can settle.
BEGIN;
CREATE SCHEMA campaign;
CREATE TABLE public.wallets (owner text PRIMARY KEY, credits bigint NOT NULL CHECK (credits >= 0));
CREATE TABLE public.wallet_moves (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL, credits bigint NOT NULL);
CREATE TABLE public.orders (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL, owner text NOT NULL, price integer NOT NULL,
    paid boolean NOT NULL, paid_back boolean NOT NULL DEFAULT false, note text, touched_at timestamptz NOT NULL);
CREATE TABLE public."Videos" (LIKE public.orders INCLUDING ALL);

-- Knows no order: whoever calls it twice pays twice.
CREATE FUNCTION public.give_back(p_owner text, p_credits integer, p_reason text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_owner = 'blocked' THEN
        RETURN false;
    END IF;
    UPDATE public.wallets SET credits = credits + p_credits WHERE owner = p_owner;
    INSERT INTO public.wallet_moves (owner, credits) VALUES (p_owner, p_credits);
    RETURN true;
END
$$;
CREATE FUNCTION campaign.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'legal hold'; END $$;
CREATE TRIGGER legal_hold BEFORE UPDATE ON public.orders FOR EACH ROW WHEN (OLD.note = 'legal hold') EXECUTE FUNCTION campaign.hold();

INSERT INTO public.wallets SELECT 'owner ' || i, 1000 FROM generate_series(1, 20) AS i;
INSERT INTO public.wallets VALUES ('blocked', 1000);
INSERT INTO public.orders (state, owner, price, paid, touched_at)
SELECT 'working', 'owner ' || 1 + i * 7 % 20, 10 + i % 5, i % 7 <> 0, now() - interval '1 hour' - i * interval '1 second' FROM generate_series(1, 100) AS i;
INSERT INTO public."Videos" (state, owner, price, paid, touched_at)
SELECT 'working', 'owner ' || 1 + i * 3 % 20, 20 + i % 5, i % 5 <> 0, now() - interval '2 hours' + i * interval '1 second' FROM generate_series(1, 100) AS i;
INSERT INTO public.orders (state, owner, price, paid, touched_at)
SELECT (ARRAY['working', 'done'])[1 + i % 2], 'owner 1', 10, true, now() + interval '1 day' FROM generate_series(1, 10) AS i;
INSERT INTO public.orders (state, owner, price, paid, note, touched_at)
VALUES ('working', 'blocked', 10, true, NULL, now() - interval '1 hour'), ('working', 'owner 2', 10, true, 'legal hold', now() - interval '1 hour');
CREATE INDEX ON public.orders (touched_at, number) WHERE state = 'working';

CREATE VIEW campaign.work AS SELECT 'public.orders' AS table_name, work.* FROM public.orders AS work
 UNION ALL SELECT 'public."Videos"', work.* FROM public."Videos" AS work;
CREATE TABLE campaign.wealth AS
SELECT wallet.owner, wallet.credits + COALESCE((SELECT sum(price) FROM campaign.work WHERE work.owner = wallet.owner AND paid), 0) AS credits
  FROM public.wallets AS wallet;
COMMIT;
VACUUM (ANALYZE);
