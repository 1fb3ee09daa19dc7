CREATE FUNCTION observa_internal.trace(trace_id text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'trace_wrapper';
COMMENT ON FUNCTION observa_internal.trace(text) IS 'observa.trace as JSON text, with all digits and levels';

CREATE FUNCTION observa.trace(trace_id text) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
    RETURN observa_internal.trace(trace_id)::jsonb;
COMMENT ON FUNCTION observa.trace(text) IS 'A trace: {summary, spans (a tree by children), signals}; NULL: no such trace

All projects of the tenant are in it: then summary is of them all, and its projects lists them. A superuser who acts for nobody
sees the default tenant''s, else the newest of that id. Up to 10,000 events; truncated says whether there are more. An event whose parent is missing stands at the root.';
REVOKE ALL ON FUNCTION observa.trace(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.trace(text) TO observa_read;
