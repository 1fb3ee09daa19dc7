-- One unnamed parameter each: PostgREST gives a raw body only to such a function. They run as the storage's owner, so that
-- no client holds INSERT on a table and passes the scrubber by.
CREATE FUNCTION observa.ingest(text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'ingest_text_wrapper';
CREATE FUNCTION observa.ingest(bytea) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'ingest_bytea_wrapper';
CREATE FUNCTION observa.ingest(json) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'ingest_text_wrapper';

ALTER FUNCTION observa.ingest(text) OWNER TO observa_owner;
ALTER FUNCTION observa.ingest(bytea) OWNER TO observa_owner;
ALTER FUNCTION observa.ingest(json) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.ingest(text), observa.ingest(bytea), observa.ingest(json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.ingest(text), observa.ingest(bytea), observa.ingest(json) TO observa_ingest;

COMMENT ON FUNCTION observa.ingest(text) IS 'Stores events: NDJSON, one JSON object, or a JSON array

Returns {batch_id, accepted, duplicates, rejected, signals, alerts, redactions, errors}. What is accepted is durable at
commit. A bad line is rejected alone, with its number, a stable code and a message, and kept in rejected_events. A whole
body is refused only without permission, over a limit (54000), or as damaged gzip (22000).';
COMMENT ON FUNCTION observa.ingest(bytea) IS 'Stores events from raw bytes, plain or gzip

As ingest(text). Prefer it: invalid UTF-8 then rejects a line, not the request.';
COMMENT ON FUNCTION observa.ingest(json) IS 'Stores events from a JSON body

As ingest(text), for clients that send application/json.';

CREATE FUNCTION observa.replay_rejected(batch uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'replay_rejected_wrapper';
ALTER FUNCTION observa.replay_rejected(uuid) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.replay_rejected(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.replay_rejected(uuid) TO observa_ingest;
COMMENT ON FUNCTION observa.replay_rejected(uuid) IS 'Ingests dead letters again: of one batch, or all

Up to 10,000 letters and observa.max_batch_bytes at a time, those first that were tried least. What is stored now leaves
rejected_events; what is still bad stays, with its new reason. Answers as ingest does, and with remaining: the letters that
there still are, tried or not. A line without a time has its letter''s, one without a project its letter''s project. What a
superuser sent goes to the tenant that it names, if a superuser replays it.';

CREATE FUNCTION observa.retranslate(since timestamptz, until timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retranslate_wrapper';
ALTER FUNCTION observa.retranslate(timestamptz, timestamptz) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.retranslate(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.retranslate(timestamptz, timestamptz) TO observa_admin;
COMMENT ON FUNCTION observa.retranslate(timestamptz, timestamptz) IS 'Reads stored OpenTelemetry spans anew, where an older version of the translator made their events; how many changed

For events from since to before until, after an upgrade. Costs and who is billed follow; signals and alerts do not.';
