-- $1: a tenant, NULL for everybody. One load or repricing at a time: two loads would add the same prices, two repricings
-- could each wait for a row of the other's.
SELECT pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('Observa''s prices of ' || coalesce($1::uuid::text, 'everybody'), 0))
