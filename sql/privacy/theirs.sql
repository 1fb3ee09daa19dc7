-- $1 to $9: a person (src/person.rs). What follows reads `theirs`: the events that name them, and those that name nobody in the
-- $3 traces, $5, $6 sessions and $7, $8 conversations that are theirs alone. Those of projects of one tenant may have the same name.
WITH theirs AS NOT MATERIALIZED (
    SELECT e.*
      FROM observa_internal.events e
     WHERE e.tenant_id = observa.current_tenant()
       AND (e.user_id = $1 OR pg_catalog.right(e.user_id, 17) = $2
            OR (e.user_id IS NULL
                AND (e.trace_id = ANY ($3)
                     OR (e.session_id IS NOT NULL
                         AND (e.project_id, e.session_id) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest($5), pg_catalog.unnest($6)) AS known))
                     OR (e.conversation_id IS NOT NULL
                         AND (e.project_id, e.conversation_id) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8)) AS known)))))
)
