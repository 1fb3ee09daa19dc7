-- $1: an account whose password was wrong. $2 of them in a row lock it for $3 minutes, and the count begins anew.
UPDATE observa_internal.accounts a
   SET failures = CASE WHEN a.failures + 1 >= $2 THEN 0 ELSE a.failures + 1 END,
       locked_until = CASE WHEN a.failures + 1 >= $2 THEN pg_catalog.clock_timestamp() + pg_catalog.make_interval(mins => $3)
                           ELSE a.locked_until END
 WHERE a.account_id = $1
