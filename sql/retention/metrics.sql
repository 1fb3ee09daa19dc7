-- $1 resolution, buckets before $2, $3 most rows at once.
DELETE FROM observa_internal.metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.resolution = $1 AND m.bucket < $2
   AND (m.bucket, m.series_id) IN (
       SELECT o.bucket, o.series_id FROM observa_internal.metrics o
        WHERE o.tenant_id = observa.current_tenant() AND o.resolution = $1 AND o.bucket < $2
        LIMIT $3)
