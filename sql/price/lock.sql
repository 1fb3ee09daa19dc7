-- $1: a tenant, NULL for everybody. One load at a time: two would add the same prices.
SELECT pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('observa.load_prices ' || coalesce($1::uuid::text, 'everybody'), 0))
