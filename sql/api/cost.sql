CREATE FUNCTION observa.cost(model text, usage jsonb, provider text DEFAULT NULL, at timestamptz DEFAULT now())
    RETURNS numeric
    LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'cost_wrapper';
COMMENT ON FUNCTION observa.cost(text, jsonb, text, timestamptz) IS 'What a call costs, in USD, exactly; NULL: no price is known for the model

usage has input_tokens (the total, cache included), output_tokens (reasoning included), cached_input_tokens,
cache_write_tokens (5 minutes), cache_write_1h_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens,
input_image_tokens, service_tier; or it is the usage object of OpenAI, Anthropic, Gemini or Bedrock as it came. A count that
is no count is an error (22023).';

CREATE FUNCTION observa_internal.cost_breakdown(model text, usage jsonb, provider text, at timestamptz) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'cost_breakdown_wrapper';
ALTER FUNCTION observa_internal.cost_breakdown(text, jsonb, text, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.cost_breakdown(text, jsonb, text, timestamptz) IS 'observa.cost_breakdown as JSON text, with all digits';

CREATE FUNCTION observa.cost_breakdown(model text, usage jsonb, provider text DEFAULT NULL, at timestamptz DEFAULT now())
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN observa_internal.cost_breakdown(model, usage, provider, at)::jsonb;
COMMENT ON FUNCTION observa.cost_breakdown(text, jsonb, text, timestamptz) IS 'How observa.cost comes about: tokens, rate and USD of each class, price id, tier, total; NULL: no price is known';

ALTER FUNCTION observa.cost(text, jsonb, text, timestamptz) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.cost(text, jsonb, text, timestamptz), observa.cost_breakdown(text, jsonb, text, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.cost(text, jsonb, text, timestamptz), observa.cost_breakdown(text, jsonb, text, timestamptz)
    TO observa_ingest, observa_read, observa_admin;
