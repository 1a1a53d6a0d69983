-- Users, tokens and requests of the parts about serve. The secret is that of start_served_node.
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE SCHEMA bench;

CREATE FUNCTION bench.user_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('user ' || n)::uuid $$;

CREATE FUNCTION bench.base64url(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=')
$$;

-- What Supabase gives a signed-in user, good for a day (RFC 7519, HS256).
CREATE FUNCTION bench.token(user_id uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT signed.input || '.' || bench.base64url(hmac(signed.input, 'the secret of the benchmark, long enough', 'sha256'))
      FROM (SELECT bench.base64url('{"alg":"HS256","typ":"JWT"}') || '.' ||
                   bench.base64url(convert_to(json_build_object('sub', user_id, 'role', 'authenticated', 'aud', 'authenticated',
                       'exp', extract(epoch FROM now())::bigint + 86400)::text, 'UTF8')) AS input) AS signed
$$;

-- One request as http_load reads it.
CREATE FUNCTION bench.request(path text, body json, user_id uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('method', 'POST', 'path', path, 'body', body::text, 'headers', json_build_object(
        'content-type', 'application/json', 'prefer', 'return=representation', 'apikey', 'sb_publishable_of_the_benchmark',
        'authorization', 'Bearer ' || bench.token(user_id)))
$$;

INSERT INTO watchdog.provider_slots (account, slot) SELECT 'arcano_main', n FROM generate_series(1, :slots) AS n ON CONFLICT DO NOTHING;
DELETE FROM watchdog.provider_slots WHERE slot > :slots;
INSERT INTO public.upscaler_credits (user_id, balance) SELECT bench.user_id(n), 1000 FROM generate_series(1, :users) AS n;
ANALYZE;
