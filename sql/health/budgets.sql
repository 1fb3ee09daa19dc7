-- $1 tenant, with the caller's rights: USD of each of its budgets, and what is left.
SELECT pg_catalog.jsonb_build_object('budget', b.name, 'period', b.period), b.amount_usd::double precision,
       CASE WHEN b.spent_usd IS NOT NULL THEN greatest(0, b.amount_usd - b.spent_usd) END::double precision
  FROM observa.budgets b
 WHERE b.tenant_id = $1 AND b.enabled
 ORDER BY b.name
 LIMIT 100
