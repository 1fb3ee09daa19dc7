-- $1: an account whose password was wrong. $2 of them in a row lock it for $3 minutes, and the count begins anew.
UPDATE observa_internal.accounts
   SET failures = 0, locked_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(mins => $3)
 WHERE account_id = $1 AND failures >= $2
