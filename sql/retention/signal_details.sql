-- $1 project, rows of $2 to before $3, $4 most rows at once. The fact stays, what an error said and attributes go.
UPDATE observa_internal.signals s
   SET details = s.details - '{error_message,attributes}'::text[]
 WHERE s.tenant_id = observa.current_tenant() AND s.ts >= $2 AND s.ts < $3
   AND (s.ts, s.signal_id) IN (
       SELECT o.ts, o.signal_id
         FROM observa_internal.signals o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1
          AND o.details ?| '{error_message,attributes}'
        LIMIT $4)
