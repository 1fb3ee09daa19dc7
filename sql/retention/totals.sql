-- $1 resolution, buckets before $2, $3 most rows at once.
DELETE FROM observa_internal.metric_totals m
 WHERE m.tenant_id = observa.current_tenant() AND m.resolution = $1 AND m.bucket < $2
   AND (m.bucket, m.project_id, m.environment, m.event_type) IN (
       SELECT o.bucket, o.project_id, o.environment, o.event_type FROM observa_internal.metric_totals o
        WHERE o.tenant_id = observa.current_tenant() AND o.resolution = $1 AND o.bucket < $2
        LIMIT $3)
