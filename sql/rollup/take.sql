-- $1 most deltas of the acting tenant at once. What another fold has taken is its own.
DELETE FROM observa_internal.rollup_deltas d
 WHERE d.tenant_id = observa.current_tenant()
   AND d.delta_id IN (SELECT o.delta_id FROM observa_internal.rollup_deltas o
                       WHERE o.tenant_id = observa.current_tenant()
                       ORDER BY o.delta_id LIMIT $1
                         FOR UPDATE SKIP LOCKED)
RETURNING d.entries
