-- $1 account, $2 name, $3 picture, $4 company, $5 preferences as JSON text.
UPDATE observa_internal.accounts
   SET full_name = $2, avatar_url = $3, company = $4, preferences = $5::text::jsonb
 WHERE account_id = $1
