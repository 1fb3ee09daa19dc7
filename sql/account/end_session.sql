-- $1: a session's hash, $2 the tenant of its claims. Whose it was, and of their tenants that one, else the first. No row: it had
-- ended before.
WITH ended AS (
    UPDATE observa_internal.sessions SET revoked_at = pg_catalog.now()
     WHERE session_hash = $1 AND revoked_at IS NULL
    RETURNING account_id
)
SELECT e.account_id,
       (SELECT m.tenant_id FROM observa_internal.members m WHERE m.subject = e.account_id::text
         ORDER BY m.tenant_id IS NOT DISTINCT FROM $2 DESC, m.added_at, m.tenant_id LIMIT 1)
  FROM ended e
