-- $1: a batch, or NULL for all. How many letters the acting tenant has, and how often the least tried one was.
SELECT pg_catalog.count(*), pg_catalog.min(attempts) FROM observa_internal.rejected_events
 WHERE $1::uuid IS NULL OR batch_id = $1
