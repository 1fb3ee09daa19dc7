-- $1 tenant, $2 project, $3 month, as its first day since 1970-01-01: its events, folded or not.
SELECT coalesce((SELECT u.events FROM observa_internal.usage u
                  WHERE u.tenant_id = $1 AND u.project_id = $2 AND u.month = '1970-01-01'::date + $3), 0)
     + coalesce((SELECT pg_catalog.sum(d.events) FROM observa_internal.usage_deltas d
                  WHERE d.tenant_id = $1 AND d.project_id = $2 AND d.month = '1970-01-01'::date + $3), 0)::bigint
