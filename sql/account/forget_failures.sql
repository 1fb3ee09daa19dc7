-- $1: an account whose password was right.
UPDATE observa_internal.accounts SET failures = 0, locked_until = NULL WHERE account_id = $1
