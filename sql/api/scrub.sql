CREATE FUNCTION observa.scrub(text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'scrub_text_wrapper';
COMMENT ON FUNCTION observa.scrub(text) IS 'The text with each secret and piece of personal data replaced by [REDACTED:<kind>]

Text without any comes back byte for byte. Scrubbing twice changes nothing.';

CREATE FUNCTION observa_internal.scrub_json(text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'scrub_json_wrapper';
COMMENT ON FUNCTION observa_internal.scrub_json(text) IS 'A JSON text, scrubbed: JSON again';

CREATE FUNCTION observa.scrub(jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
    RETURN observa_internal.scrub_json($1::text)::jsonb;
COMMENT ON FUNCTION observa.scrub(jsonb) IS 'The document with every string, key and number scrubbed; its structure is kept';

CREATE FUNCTION observa.find_secrets(text) RETURNS TABLE (kind text, start integer, length integer)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_secrets_wrapper';
COMMENT ON FUNCTION observa.find_secrets(text) IS 'What observa.scrub would replace: kind, first character (from 1), length in characters';

REVOKE ALL ON FUNCTION observa.scrub(text), observa.scrub(jsonb), observa.find_secrets(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.scrub(text), observa.scrub(jsonb), observa.find_secrets(text)
    TO observa_ingest, observa_read, observa_admin;

CREATE FUNCTION observa.add_scrub_pattern(tenant uuid, name text, pattern text) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'add_scrub_pattern_wrapper';
ALTER FUNCTION observa.add_scrub_pattern(uuid, text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.add_scrub_pattern(uuid, text, text) IS 'Adds a secret of the tenant''s own, or changes it: what matches the pattern becomes [REDACTED:<name>]

name is of a-z, 0-9 and _, up to 40. pattern is a regular expression without back-references, which takes linear time; one
that is too large or matches nothing at all is an error (22023). Events that come later are scrubbed by it.';

CREATE FUNCTION observa.remove_scrub_pattern(tenant uuid, name text) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_scrub_pattern_wrapper';
ALTER FUNCTION observa.remove_scrub_pattern(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.remove_scrub_pattern(uuid, text) IS 'Removes a secret of the tenant''s own';

REVOKE ALL ON FUNCTION observa.add_scrub_pattern(uuid, text, text),
    observa.remove_scrub_pattern(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.add_scrub_pattern(uuid, text, text),
    observa.remove_scrub_pattern(uuid, text) TO observa_admin;
