-- Texts and their vectors are kept for a day.
WITH forgotten AS (
    DELETE FROM observa_internal.embedding_queries q
     WHERE q.tenant_id = observa.current_tenant() AND q.asked_at < pg_catalog.now() - interval '1 day'
    RETURNING 1
)
SELECT pg_catalog.count(*) FROM forgotten
