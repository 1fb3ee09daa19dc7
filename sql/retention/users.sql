-- $1 resolution, which is theirs or deletes nothing, buckets before $2, $3 most rows at once.
WITH days AS (
    DELETE FROM observa_internal.user_metric_days m
     WHERE m.tenant_id = observa.current_tenant() AND m.bucket < $2 AND $1 = 'hour'
       AND (m.bucket, m.project_id, m.environment, m.user_id) IN (
           SELECT o.bucket, o.project_id, o.environment, o.user_id FROM observa_internal.user_metric_days o
            WHERE o.tenant_id = observa.current_tenant() AND o.bucket < $2
            LIMIT $3)
)
DELETE FROM observa_internal.user_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.bucket < $2 AND $1 = 'hour'
   AND (m.bucket, m.project_id, m.environment, m.user_id) IN (
       SELECT o.bucket, o.project_id, o.environment, o.user_id FROM observa_internal.user_metrics o
        WHERE o.tenant_id = observa.current_tenant() AND o.bucket < $2
        LIMIT $3)
