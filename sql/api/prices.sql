CREATE FUNCTION observa_internal.session_is_superuser() RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'is_superusers_session_wrapper';
COMMENT ON FUNCTION observa_internal.session_is_superuser() IS 'Whether a superuser opened the session, for policies';

CREATE FUNCTION observa_internal.load_prices(prices text, source text) RETURNS integer
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'load_prices_wrapper';
ALTER FUNCTION observa_internal.load_prices(text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.load_prices(text, text) IS 'observa.load_prices of the file''s text, with all digits';

CREATE FUNCTION observa.load_prices(prices jsonb, source text DEFAULT 'litellm') RETURNS integer
    LANGUAGE sql VOLATILE STRICT
    RETURN observa_internal.load_prices(prices::text, source);
COMMENT ON FUNCTION observa.load_prices(jsonb, text) IS 'Loads a price file; returns how many rows of the price book changed: added, or ended by a newer price

prices is LiteLLM''s model_prices_and_context_window.json or the data of genai-prices, as they are, told apart by their
shape; source is the name that the rows carry (litellm and genai-prices follow the shape). A superuser loads for everybody, a
tenant''s administrator for the tenant. A model that nothing else prices is valid from -infinity, a changed price from the
file''s own date or else from now on, and a model that the file has no more keeps its rows. Prices that you INSERT into
model_prices win, and outlive a load. Stored costs stay until observa.reprice. A file that is neither, or a price that is none,
is an error (22023) that names entry and field; then nothing is loaded.';

CREATE FUNCTION observa_internal.compare_prices(prices text, source text) RETURNS jsonb
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'compare_prices_wrapper';
ALTER FUNCTION observa_internal.compare_prices(text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.compare_prices(text, text) IS 'observa.compare_prices of the file''s text, with all digits';

CREATE FUNCTION observa.compare_prices(prices jsonb, source text DEFAULT 'litellm') RETURNS jsonb
    LANGUAGE sql STABLE STRICT
    RETURN observa_internal.compare_prices(prices::text, source);
COMMENT ON FUNCTION observa.compare_prices(jsonb, text) IS 'What observa.load_prices would change, without changing it

source, rows (what load_prices would return), added, changed, removed (models, as provider/model; the rows of removed ones
stay), unchanged (how many), skipped (entries without a price per token, with the reason).';

CREATE FUNCTION observa.unload_prices(source text) RETURNS integer
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unload_prices_wrapper';
ALTER FUNCTION observa.unload_prices(text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.unload_prices(text) IS 'Takes the loaded rows of a source away again; returns how many

Those that observa.load_prices would add to: everybody''s for a superuser, the tenant''s for its administrator. Prices written by
hand stay, and so do stored costs.';

CREATE FUNCTION observa.reprice(since timestamptz, until timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'reprice_wrapper';
ALTER FUNCTION observa.reprice(timestamptz, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.reprice(timestamptz, timestamptz) IS 'Computes the stored costs of billable events anew; returns how many changed

Events from since (inclusive) to until (exclusive), each with the price that is valid at its own time; -infinity and infinity are
no bounds. For the tenant that acts; a superuser''s is for all tenants. An event whose price is gone loses its cost:
cost_source says so.';

REVOKE ALL ON FUNCTION observa.load_prices(jsonb, text), observa.compare_prices(jsonb, text), observa.unload_prices(text),
    observa.reprice(timestamptz, timestamptz), observa_internal.load_prices(text, text),
    observa_internal.compare_prices(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.load_prices(jsonb, text), observa.compare_prices(jsonb, text), observa.unload_prices(text),
    observa.reprice(timestamptz, timestamptz), observa_internal.load_prices(text, text),
    observa_internal.compare_prices(text, text) TO observa_admin;
