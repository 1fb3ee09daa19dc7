CREATE FUNCTION observa.prompt_templates(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '7 days'::interval,
                                         until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (project_id uuid, template text, version text, calls bigint, renders bigint, error_rate double precision, cost_usd numeric,
                   total_tokens bigint, p50_latency_ms double precision, p95_latency_ms double precision, coherence double precision,
                   toxicity double precision, hallucination_risk double precision, first_seen timestamptz, last_seen timestamptz,
                   sampled_events bigint)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 50 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'prompt_templates_wrapper';
COMMENT ON FUNCTION observa.prompt_templates(uuid, timestamptz, timestamptz) IS 'Prompt templates and their versions: how they were used, what they cost and how answers scored

Of LLM calls whose attributes name a template (docs/events.md), or whose trace has an event of type prompt_template before them, and of those events, the renders. Of the newest 20,000
of both: sampled_events says how many there were. version NULL: none was given. Latencies in milliseconds, cost in USD (NULL: not known), of
calls; scores are means of 0 to 1 (NULL: none). A project of NULL is all of the tenant''s.';
REVOKE ALL ON FUNCTION observa.prompt_templates(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.prompt_templates(uuid, timestamptz, timestamptz) TO observa_read;
