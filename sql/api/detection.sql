CREATE FUNCTION observa.test_rule(rule text, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval, until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (at timestamptz, act text, severity text, project_id uuid, environment text, alert_group text, value double precision,
                   threshold double precision, usual double precision, samples bigint, explanation text)
    LANGUAGE c STABLE STRICT SECURITY DEFINER PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'test_rule_wrapper';
ALTER FUNCTION observa.test_rule(text, timestamptz, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.test_rule(text, timestamptz, timestamptz) IS 'What a rule over a window would have done over the metrics of the past, switched on or not

A row for each alert that it would have raised, repeated or resolved, had it been evaluated each minute (less often in more than a week), of the
tenant that the session acts for. It changes nothing. Another rule, or more than 31 days, is an error (22023).';
REVOKE ALL ON FUNCTION observa.test_rule(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.test_rule(text, timestamptz, timestamptz) TO observa_read;
