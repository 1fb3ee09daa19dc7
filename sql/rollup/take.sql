-- $1 most deltas of the acting tenant at once, $2 bytes after which no more are taken. Whoever takes holds the tenant's fold.
DELETE FROM observa_internal.rollup_deltas d
 WHERE d.tenant_id = observa.current_tenant()
   AND d.delta_id IN (
       SELECT o.delta_id
         FROM (SELECT n.delta_id, pg_catalog.sum(pg_catalog.octet_length(n.entries)) OVER (ORDER BY n.delta_id)
                      - pg_catalog.octet_length(n.entries) AS before
                 FROM observa_internal.rollup_deltas n
                WHERE n.tenant_id = observa.current_tenant()
                ORDER BY n.delta_id
                LIMIT $1) o
        WHERE o.before < $2)
RETURNING d.entries, d.delta_id, d.added_at
