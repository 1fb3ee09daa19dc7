CREATE FUNCTION observa.quality(prompt text, response text) RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'quality_of_wrapper';
COMMENT ON FUNCTION observa.quality(text, text) IS 'Heuristic scores of an answer, as ingest gives them where the client sends none

coherence, toxicity and hallucination_risk are 0 to 1, sentiment is -1 to 1, prompt_category is one of summarization,
translation, code_generation, explanation, content_creation and general. They come of words alone and read English;
null: it can not be said of these texts. docs/quality.md measures them against labels.';
REVOKE ALL ON FUNCTION observa.quality(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.quality(text, text) TO observa_ingest, observa_read, observa_admin;
