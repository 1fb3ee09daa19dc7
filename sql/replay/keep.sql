-- $1, $2: the letter's key. $3 to $5: code, field and message of now.
UPDATE observa_internal.rejected_events SET code = $3, field = $4, message = $5, attempts = attempts + 1
 WHERE tenant_id = $1 AND rejected_id = $2
