-- $1: an account whose password is about to be verified. No row: it is locked. Who waits for the row sees what the others left.
UPDATE observa_internal.accounts SET failures = failures + 1
 WHERE account_id = $1 AND coalesce(locked_until <= pg_catalog.clock_timestamp(), true)
