CREATE DOMAIN observa."text/html" AS text;
COMMENT ON DOMAIN observa."text/html" IS 'An HTML document: PostgREST serves a function of this type as it is, with this media type';

CREATE FUNCTION observa.dashboard(project uuid DEFAULT NULL, since timestamptz DEFAULT now() - interval '1 day', until timestamptz DEFAULT now())
    RETURNS observa."text/html"
    LANGUAGE c STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
    AS 'MODULE_PATHNAME', 'dashboard_page_wrapper';
COMMENT ON FUNCTION observa.dashboard(uuid, timestamptz, timestamptz) IS 'A page that shows what happened: one HTML document that needs nothing else

Who asks sees what they may read. Without a project it is about all projects of the tenant. since and until are widened to whole minutes,
hours or days (UTC), at most 400 days. docs/page.md says how to serve it, and how to make a file of it.';

CREATE FUNCTION observa.dashboard_trace(trace_id text)
    RETURNS observa."text/html"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
    AS 'MODULE_PATHNAME', 'dashboard_trace_wrapper';
COMMENT ON FUNCTION observa.dashboard_trace(text) IS 'A trace as a page: its spans as a tree, each with the time it took; NULL of NULL

Of all projects of the tenant, the first 300 spans. A page that says so where there is no such trace.';

REVOKE ALL ON FUNCTION observa.dashboard(uuid, timestamptz, timestamptz), observa.dashboard_trace(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.dashboard(uuid, timestamptz, timestamptz), observa.dashboard_trace(text) TO observa_read;
