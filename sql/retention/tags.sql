-- $1 resolution, which is theirs or deletes nothing, buckets before $2, $3 most rows at once.
DELETE FROM observa_internal.tag_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.bucket < $2 AND $1 = 'hour'
   AND (m.tag, m.bucket, m.project_id, m.environment, m.value) IN (
       SELECT o.tag, o.bucket, o.project_id, o.environment, o.value FROM observa_internal.tag_metrics o
        WHERE o.tenant_id = observa.current_tenant() AND o.bucket < $2 AND $1 = 'hour'
        LIMIT $3)
