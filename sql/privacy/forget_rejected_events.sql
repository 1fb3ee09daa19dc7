-- $1: the ids of a person, $2: most rows at once. Dead letters that name them: whose they are can only be read in their text.
DELETE FROM observa_internal.rejected_events r
 WHERE r.tenant_id = observa.current_tenant()
   AND r.rejected_id IN (
       SELECT o.rejected_id
         FROM observa_internal.rejected_events o
        WHERE o.tenant_id = observa.current_tenant()
          AND EXISTS (SELECT FROM pg_catalog.unnest($1) AS id
                       WHERE pg_catalog.strpos(o.body, pg_catalog.to_json(id)::text) > 0)
        LIMIT $2)
RETURNING r.rejected_id
