-- Whether who asks may read prompts and answers.
SELECT has_table_privilege('observa_internal.event_payloads', 'SELECT')
       AND has_function_privilege('observa_internal.event_input(uuid, timestamptz, text)', 'EXECUTE')
