-- Projects of the acting tenant that are to be stopped until another time than they are: by budgets that stop and are exceeded, as far as
-- spending is folded. NULL: none is.
WITH exceeded AS MATERIALIZED (
    SELECT b.project_id, p.until
      FROM observa_internal.budgets b
     CROSS JOIN LATERAL (SELECT pg_catalog.date_trunc(b.period, pg_catalog.now(), 'UTC') AS since,
                                (pg_catalog.date_trunc(b.period, pg_catalog.now() AT TIME ZONE 'UTC') + ('1 ' || b.period)::interval)
                                    AT TIME ZONE 'UTC' AS until) p
     CROSS JOIN LATERAL (SELECT observa_internal.folded_spending(b.tenant_id, b.project_id, b.model, b.user_id, b.tag, b.value, p.since,
                                                                 p.until) AS spent_usd OFFSET 0) s
     WHERE b.tenant_id = observa.current_tenant() AND b.enabled AND b.hard_stop AND s.spent_usd >= b.amount_usd
)
SELECT j.project_id, s.until
  FROM observa_internal.projects j
 CROSS JOIN LATERAL (SELECT pg_catalog.max(e.until) AS until FROM exceeded e
                      WHERE e.project_id IS NULL OR e.project_id = j.project_id) s
 WHERE j.tenant_id = observa.current_tenant() AND j.stopped_until IS DISTINCT FROM s.until
 ORDER BY j.project_id
