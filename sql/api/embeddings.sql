CREATE FUNCTION observa_internal.similarity(a real[], b real[]) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'similarity_wrapper';
COMMENT ON FUNCTION observa_internal.similarity(real[], real[]) IS 'Cosine of two vectors of length 1, -1 to 1; NULL: they have not the same number of dimensions';

CREATE FUNCTION observa.embed(query text, project uuid DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'embed_wrapper';
ALTER FUNCTION observa.embed(text, uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.embed(text, uuid) IS 'Has a text embedded, for observa.similar(text); ready: it is, queued: a worker does it after the commit

The budget of the project pays, NULL: of the session''s own. A text is embedded once and kept for a day. For who may query. At most 24 kB (22023), and 100
texts of a tenant wait at once. Nothing configured, no price, the budget spent, too many waiting: 55000.';

CREATE FUNCTION observa.similar(query text, k integer DEFAULT 10, project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '30 days', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (event_id text, ts timestamptz, similarity double precision, question text, trace_id text, model text, route text,
                   user_id text, project_id uuid)
    LANGUAGE c VOLATILE ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'similar_wrapper';
COMMENT ON FUNCTION observa.similar(text, integer, uuid, timestamptz, timestamptz) IS 'The k events whose questions are most like a text, by their embeddings

observa.embed(text) comes first, in a transaction of its own; then this waits for 5 seconds for it at most. What is not embedded: 55000,
at once in REPEATABLE READ, which would not see it. similarity is a
cosine, at most 1; question is the head of what was asked (200 characters), NULL: it is kept no more. project NULL: all of the tenant. Of the
time between since and until the newest 50,000 vectors of the same embedding model are compared, each exactly; all of them, approximately, where
pgvector is installed and there are 10,000 (docs/analysis.md). With the rights of who asks.';

CREATE FUNCTION observa.similar_events(event_id text, k integer DEFAULT 10, project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '30 days', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (event_id text, ts timestamptz, similarity double precision, question text, trace_id text, model text, route text,
                   user_id text, project_id uuid)
    LANGUAGE c STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'similar_events_wrapper';
COMMENT ON FUNCTION observa.similar_events(text, integer, uuid, timestamptz, timestamptz) IS 'The k events whose questions are most like an event''s, itself left out; as observa.similar(text)

An event without a vector: 02000.';

CREATE FUNCTION observa.embedding_clusters(k integer DEFAULT 8, project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '7 days', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (cluster integer, size bigint, share double precision, spread double precision, event_id text, question text)
    LANGUAGE c STABLE ROWS 8 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'embedding_clusters_wrapper';
COMMENT ON FUNCTION observa.embedding_clusters(integer, uuid, timestamptz, timestamptz) IS 'What is asked, in at most k groups (1 to 100) of similar questions, the largest first, each with the question nearest to its middle

share is of the vectors looked at, 0 to 1; spread the mean of 1 less the cosine to the middle, 0: all are the same. The newest 5,000 vectors of one
embedding model are looked at; the same ones give the same groups. With the rights of who asks.';

CREATE FUNCTION observa.near_duplicates(threshold double precision DEFAULT 0.97, project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '7 days', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (questions bigint, wordings bigint, share double precision, least_similarity double precision, event_id text,
                   question text, first_seen timestamptz, last_seen timestamptz)
    LANGUAGE c STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'near_duplicates_wrapper';
COMMENT ON FUNCTION observa.near_duplicates(double precision, uuid, timestamptz, timestamptz) IS 'Questions that were asked more than once, the 100 most frequent groups: what a cache would save

All of a group are similar to its newest one, which is the example, by threshold (0.5 to 1) at least. wordings counts those that differ in any letter; share
is of the vectors looked at, 0 to 1. The newest 5,000 of one embedding model are looked at, a sample of the calls. With the rights of who asks.';

CREATE FUNCTION observa.out_of_scope(project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '1 day', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (event_id text, ts timestamptz, distance double precision, threshold double precision, question text)
    LANGUAGE c STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'out_of_scope_wrapper';
COMMENT ON FUNCTION observa.out_of_scope(uuid, timestamptz, timestamptz) IS 'Questions unlike all that was asked in the 14 days before since, the 100 farthest

distance is 1 less the cosine to the nearest of 16 groups of those days, threshold what 99 of 100 of them did not exceed: one of a hundred usual questions is
told, too. The newest 5,000 vectors of both times are looked at. Fewer than 100 in the days before: 55000. With the rights of who asks.';

CREATE FUNCTION observa.drift(project uuid DEFAULT NULL,
    since timestamptz DEFAULT pg_catalog.now() - interval '1 day', until timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (project_id uuid, environment text, route text, model text, distance double precision, threshold double precision,
                   baseline double precision, has_drifted boolean, vectors bigint, past_vectors bigint, days integer)
    LANGUAGE c STABLE ROWS 50 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'drift_wrapper';
COMMENT ON FUNCTION observa.drift(uuid, timestamptz, timestamptz) IS 'How far what each route and each model is asked has moved from what it was asked in the 14 days before since

distance is that of the means, baseline what the past alone makes of it by chance and from day to day, threshold a quarter more (docs/analysis.md). Routes and models
with 50 vectors in both times, the 50 busiest, 500 vectors of each. NULL: fewer than 3 of the days have 10 vectors. The job drift asks it every hour, and raises the
signal model_drift. With the rights of who asks.';

REVOKE ALL ON FUNCTION observa.embed(text, uuid), observa.similar(text, integer, uuid, timestamptz, timestamptz),
    observa.similar_events(text, integer, uuid, timestamptz, timestamptz), observa.embedding_clusters(integer, uuid, timestamptz, timestamptz),
    observa.near_duplicates(double precision, uuid, timestamptz, timestamptz), observa.out_of_scope(uuid, timestamptz, timestamptz),
    observa.drift(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.embed(text, uuid), observa.similar(text, integer, uuid, timestamptz, timestamptz),
    observa.similar_events(text, integer, uuid, timestamptz, timestamptz), observa.embedding_clusters(integer, uuid, timestamptz, timestamptz),
    observa.near_duplicates(double precision, uuid, timestamptz, timestamptz), observa.out_of_scope(uuid, timestamptz, timestamptz),
    observa.drift(uuid, timestamptz, timestamptz) TO observa_read;
