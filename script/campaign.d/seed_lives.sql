-- Users with credits; patience that a campaign has; the watchdog on.
INSERT INTO public.upscaler_credits (user_id, balance) SELECT md5('user ' || n)::uuid, 100 FROM generate_series(1, :users) AS n;
UPDATE watchdog.tools SET queued_stale_after = '60 s', stale_after = '7 s', hard_deadline_after = '8 s';
DO $$ BEGIN PERFORM watchdog.set_feature_flag('WATCHDOG_ENABLED', 'true', 'the campaign over lives'); END $$;
