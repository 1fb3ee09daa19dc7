-- $1: how many at most; $2: tries of each; $3: webhooks, which an earlier statement has locked. Of a webhook two are sent at once, so that one that hangs holds up no other; of an alert
-- and a webhook one after the other, as they happened. next_attempt is the lease's end meanwhile: whoever claims after it takes
-- the one who had it for dead.
WITH worn_out AS (
    UPDATE observa_internal.notifications n
       SET state = 'failed', last_error = 'who sent it ended each time', finished_at = pg_catalog.now(), lease = NULL
     WHERE n.state = 'sending' AND n.next_attempt <= pg_catalog.now() AND n.attempts >= $2
), due AS MATERIALIZED (
    SELECT d.tenant_id, d.notification_id
      FROM observa_internal.webhooks w
     CROSS JOIN LATERAL (
           SELECT n.tenant_id, n.notification_id, n.next_attempt
             FROM observa_internal.notifications n
            WHERE n.tenant_id = w.tenant_id AND n.webhook_id = w.webhook_id AND n.state IN ('pending', 'sending')
              AND n.next_attempt <= pg_catalog.now() AND n.attempts < $2
              AND NOT EXISTS (
                  SELECT FROM observa_internal.notifications e
                   WHERE e.tenant_id = n.tenant_id AND e.webhook_id = n.webhook_id AND e.alert_id = n.alert_id
                     AND e.state IN ('pending', 'sending')
                     AND (e.reopened, pg_catalog.array_position(ARRAY['raised', 'reopened', 'acknowledged', 'resolved', 'closed'], e.event))
                         < (n.reopened, pg_catalog.array_position(ARRAY['raised', 'reopened', 'acknowledged', 'resolved', 'closed'], n.event)))
            ORDER BY n.next_attempt
            LIMIT greatest(0, 2 - (SELECT pg_catalog.count(*) FROM observa_internal.notifications s
                                    WHERE s.tenant_id = w.tenant_id AND s.webhook_id = w.webhook_id AND s.state = 'sending'
                                      AND s.next_attempt > pg_catalog.now()))
              FOR UPDATE SKIP LOCKED) d
     WHERE w.enabled AND w.webhook_id = ANY ($3)
     ORDER BY d.next_attempt
     LIMIT $1
), claimed AS (
    UPDATE observa_internal.notifications n
       SET state = 'sending', attempts = n.attempts + 1, lease = pg_catalog.gen_random_uuid(),
           next_attempt = pg_catalog.now() + interval '1 minute'
      FROM due d
     WHERE n.tenant_id = d.tenant_id AND n.notification_id = d.notification_id
    RETURNING n.*
)
SELECT pg_catalog.jsonb_build_object(
           'tenant_id', c.tenant_id, 'id', c.notification_id, 'lease', c.lease, 'attempts', c.attempts, 'event', c.event,
           'dedup_key', c.dedup_key, 'project_id', coalesce(a.project_id, w.project_id), 'format', w.format, 'url', w.url,
           'secret', w.secret, 'allow_private', pg_catalog.current_setting('observa.webhook_allow_private')::boolean,
           'sent_at', pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'alert', CASE WHEN a.alert_id IS NOT NULL THEN pg_catalog.jsonb_build_object(
               'id', a.alert_id, 'title', a.title, 'description', a.description, 'severity', a.severity, 'status', a.status,
               'rule', a.rule, 'source', a.source, 'group', a.alert_group, 'environment', a.environment,
               'value', a.current_value, 'threshold', a.threshold_value, 'trace_id', a.trace_id,
               'created_at', pg_catalog.to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) END)::text
  FROM claimed c
  JOIN observa_internal.webhooks w ON w.tenant_id = c.tenant_id AND w.webhook_id = c.webhook_id
  LEFT JOIN observa_internal.alerts a ON a.tenant_id = c.tenant_id AND a.alert_id = c.alert_id
