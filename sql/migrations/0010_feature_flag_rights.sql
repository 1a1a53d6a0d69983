--! set: managed
-- The service role's rights on the feature flags, also where the watch set came before that role did.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

REVOKE ALL ON watchdog.feature_flags, watchdog.feature_flag_history FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE ON watchdog.feature_flags TO service_role;
GRANT SELECT ON watchdog.feature_flag_history TO service_role;
GRANT EXECUTE ON FUNCTION watchdog.set_feature_flag(text, text, text, bigint) TO service_role;
