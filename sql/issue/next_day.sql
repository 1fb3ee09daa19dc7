-- The first day in UTC with signals of the acting tenant that is not counted yet; NULL: there is none.
SELECT (SELECT pg_catalog.date_bin('1 day', s.ts, '2000-01-01 00:00:00+00')
          FROM observa_internal.signals s
         WHERE s.tenant_id = observa.current_tenant()
           AND s.ts >= coalesce((SELECT b.next_day FROM observa_internal.issue_backfills b WHERE b.tenant_id = observa.current_tenant()), '-infinity')
         ORDER BY s.ts
         LIMIT 1)
