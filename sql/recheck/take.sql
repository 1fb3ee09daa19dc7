-- $1 most of the acting tenant's candidates at once, the oldest first; $2 before which (UUIDv7) they are too old to be of use: those go, too.
DELETE FROM observa_internal.detection_candidates c
 WHERE c.tenant_id = observa.current_tenant()
   AND (c.candidate_id < $2
        OR c.candidate_id IN (SELECT o.candidate_id
                                FROM observa_internal.detection_candidates o
                               WHERE o.tenant_id = observa.current_tenant() AND o.candidate_id >= $2
                               ORDER BY o.candidate_id
                               LIMIT $1))
RETURNING c.kind, c.project_id, c.subject, c.since, c.until, c.candidate_id < $2
