CREATE FUNCTION observa.advice(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '7 days'::interval,
                               until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (kind text, subject text, advice text, saving_usd numeric, saving_usd_month numeric, saving_ms double precision,
                   evidence jsonb, confidence text)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'advice_wrapper';
COMMENT ON FUNCTION observa.advice(uuid, timestamptz, timestamptz) IS 'What would make models cheaper or faster, by what is stored

A row for each thing that could be done, with its numbers as evidence; none where all is well. saving_usd is what the window would have cost
less, saving_usd_month that for 30 days (NULL of a window of less than a day); saving_ms the time of all calls together; NULL: not known, or not what it is about. Savings of rows
that are about the same calls can''t be added. confidence is high, medium or low. kind is cheaper_model, identical_calls, prompt_cache,
prompt_grew, unused_context, retries, loops, slow_tool, no_price or cut_off: docs/advice.md says how each is computed. A project of NULL is all of the tenant''s.';
REVOKE ALL ON FUNCTION observa.advice(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.advice(uuid, timestamptz, timestamptz) TO observa_read;
