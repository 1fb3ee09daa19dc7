-- rows: those of activities, in key order. What was only taken out was seen never: from infinity to -infinity.
INSERT INTO observa_internal.activities AS a SELECT * FROM rows
    ON CONFLICT (tenant_id, actor, id, project_id) DO UPDATE
   SET first_seen = least(a.first_seen, excluded.first_seen),
       last_seen = greatest(a.last_seen, excluded.last_seen),
       events = a.events + excluded.events,
       messages = a.messages + excluded.messages,
       traces = a.traces + excluded.traces,
       tokens = a.tokens + excluded.tokens,
       priced = a.priced + excluded.priced,
       cost_usd = a.cost_usd + excluded.cost_usd,
       issues = a.issues + excluded.issues,
       user_id = greatest(a.user_id, excluded.user_id),
       session_id = greatest(a.session_id, excluded.session_id)
