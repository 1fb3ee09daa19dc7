-- $1 a person's id, $2 ':' and the digits of their pseudonyms: a rule may have told people apart.
WITH open AS (
    UPDATE observa_internal.issue_deltas d
       SET subject = 'user_id'
     WHERE d.tenant_id = observa.current_tenant()
       AND (d.subject = 'user_id=' || $1 OR (d.subject LIKE 'user\_id=%' AND pg_catalog.right(d.subject, 17) = $2))
)
UPDATE observa_internal.issues i
   SET subject = 'user_id'
 WHERE i.tenant_id = observa.current_tenant()
   AND (i.subject = 'user_id=' || $1 OR (i.subject LIKE 'user\_id=%' AND pg_catalog.right(i.subject, 17) = $2))
