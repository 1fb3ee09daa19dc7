-- The acting tenant's signals of a day from $1 on that an older library stored.
WITH new_signals AS (
    SELECT s.*
      FROM observa_internal.signals s
     WHERE s.tenant_id = observa.current_tenant() AND s.ts >= $1 AND s.ts < $1 + interval '1 day' AND s.issue_id IS NULL
     ORDER BY s.ts
)
