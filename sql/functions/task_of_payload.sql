-- What a job's payload means to the provider: the app, its inputs by node, its price. A payload that means nothing is told so
-- before anything is charged.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.task_of_payload(p_tool text, p_payload jsonb)
RETURNS TABLE (app_id text, inputs jsonb, credit_cost integer, problem text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_app CONSTANT text := COALESCE(p_payload ->> 'app', 'default');
    v_input_count integer;
    v_stray text;
BEGIN
    SELECT known.app_id, known.credit_cost INTO app_id, credit_cost
      FROM watchdog.provider_apps AS known WHERE known.tool = p_tool AND known.app = v_app;
    IF NOT FOUND THEN
        problem := 'tool ' || p_tool || ' has no app ' || pg_catalog.quote_literal(v_app);
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT pg_catalog.count(*)::integer, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'nodeId', known.node_id, 'fieldName', known.field_name, 'fieldValue', p_payload -> 'inputs' ->> known.input)
               ORDER BY known.input) FILTER (WHERE p_payload -> 'inputs' ->> known.input IS NOT NULL)
      INTO v_input_count, inputs
      FROM watchdog.provider_inputs AS known WHERE known.tool = p_tool AND known.app = v_app;
    IF v_input_count = 0 THEN
        inputs := COALESCE(p_payload -> 'nodeInfoList', '[]');
        IF pg_catalog.jsonb_typeof(inputs) <> 'array' OR EXISTS (
            SELECT FROM pg_catalog.jsonb_array_elements(inputs) AS node
             WHERE pg_catalog.jsonb_typeof(node.value -> 'nodeId') IS DISTINCT FROM 'string'
                OR pg_catalog.jsonb_typeof(node.value -> 'fieldName') IS DISTINCT FROM 'string'
                OR pg_catalog.jsonb_typeof(node.value -> 'fieldValue') IS DISTINCT FROM 'string') THEN
            problem := 'nodeInfoList must be a list of {nodeId, fieldName, fieldValue}, all texts';
        END IF;
    ELSIF inputs IS NULL OR pg_catalog.jsonb_array_length(inputs) < v_input_count THEN
        problem := 'the payload lacks an input of app ' || pg_catalog.quote_literal(v_app) || ': ' || (
            SELECT pg_catalog.string_agg(known.input, ', ' ORDER BY known.input) FROM watchdog.provider_inputs AS known
             WHERE known.tool = p_tool AND known.app = v_app AND p_payload -> 'inputs' ->> known.input IS NULL);
    ELSE
        SELECT given.key INTO v_stray FROM pg_catalog.jsonb_object_keys(p_payload -> 'inputs') AS given (key)
         WHERE NOT EXISTS (SELECT FROM watchdog.provider_inputs AS known
                            WHERE known.tool = p_tool AND known.app = v_app AND known.input = given.key) LIMIT 1;
        IF FOUND THEN
            problem := 'app ' || pg_catalog.quote_literal(v_app) || ' has no input ' || pg_catalog.quote_literal(v_stray);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION watchdog.task_of_payload(text, jsonb) IS
    'The provider app and inputs that a payload {app, inputs} or {app, nodeInfoList} stands for, or the problem with it.';
REVOKE ALL ON FUNCTION watchdog.task_of_payload(text, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.task_of_payload(text, jsonb) TO service_role;
