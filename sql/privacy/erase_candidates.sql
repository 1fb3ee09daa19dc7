-- $1 to $9: a person (src/person.rs). The job recheck would read their conversations' ids no more: events have none of them.
DELETE FROM observa_internal.detection_candidates c
 WHERE c.tenant_id = observa.current_tenant() AND c.kind = 'conversation'
   AND (c.subject = $1 OR pg_catalog.right(c.subject, 17) = $2
        OR (c.project_id, c.subject) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8)) AS known))
