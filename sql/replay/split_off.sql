-- $1, $2: the key of a letter that is a batch. $3: the id of the new letter. $4 to $7: code, field, message and body of it.
INSERT INTO observa_internal.rejected_events
       (tenant_id, rejected_id, project_id, batch_id, line, code, field, message, body, attempts, created_at, any_tenant)
SELECT tenant_id, $3, project_id, batch_id, line, $4, $5, $6, $7, attempts + 1, created_at, any_tenant
  FROM observa_internal.rejected_events
 WHERE tenant_id = $1 AND rejected_id = $2
