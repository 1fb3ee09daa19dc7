-- $1: an e-mail address in lower case. The account, its password's hash, and of its tenants the first.
SELECT a.account_id, a.password_hash, m.tenant_id
  FROM observa_internal.accounts a
  LEFT JOIN LATERAL (SELECT m.tenant_id FROM observa_internal.members m
                      WHERE m.subject = a.account_id::text ORDER BY m.added_at, m.tenant_id LIMIT 1) m ON true
 WHERE a.email = $1
