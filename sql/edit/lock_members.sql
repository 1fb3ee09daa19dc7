-- $1 tenant, $2 subject. Its owners and the one asked for, in the order in which everybody locks them.
SELECT m.subject, m.role FROM observa_internal.members m
 WHERE m.tenant_id = $1 AND (m.role = 'owner' OR m.subject = $2)
 ORDER BY m.subject FOR UPDATE
