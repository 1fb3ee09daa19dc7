-- $1 a person's id, $2 ':' and the digits of their pseudonyms. What sums up their own doing goes; what others share stays without them.
-- In what is damaged nobody can look for them.
WITH hours AS (
    DELETE FROM observa_internal.user_metrics m
     WHERE m.tenant_id = observa.current_tenant() AND (m.user_id = $1 OR pg_catalog.right(m.user_id, 17) = $2)
), days AS (
    DELETE FROM observa_internal.user_metric_days m
     WHERE m.tenant_id = observa.current_tenant() AND (m.user_id = $1 OR pg_catalog.right(m.user_id, 17) = $2)
), damaged AS (
    DELETE FROM observa_internal.damaged_deltas d WHERE d.tenant_id = observa.current_tenant()
), tags AS (
    DELETE FROM observa_internal.tag_metrics m
     WHERE m.tenant_id = observa.current_tenant() AND (m.value = $1 OR pg_catalog.right(m.value, 17) = $2)
), budgets AS (
    DELETE FROM observa_internal.budgets b
     WHERE b.tenant_id = observa.current_tenant()
       AND (b.user_id = $1 OR pg_catalog.right(b.user_id, 17) = $2 OR b.value = $1 OR pg_catalog.right(b.value, 17) = $2)
), states AS (
    DELETE FROM observa_internal.rule_states r
     WHERE r.tenant_id = observa.current_tenant()
       AND (pg_catalog.right(r.alert_group, 17) = $2
            OR pg_catalog.substr(r.alert_group, pg_catalog.strpos(r.alert_group, '=') + 1) = $1)
), mutes AS (
    DELETE FROM observa_internal.rule_mutes u
     WHERE u.tenant_id = observa.current_tenant()
       AND (pg_catalog.right(u.alert_group, 17) = $2
            OR pg_catalog.substr(u.alert_group, pg_catalog.strpos(u.alert_group, '=') + 1) = $1)
), own AS (
    DELETE FROM observa_internal.activities a
     WHERE a.tenant_id = observa.current_tenant() AND a.actor = 'user' AND (a.id = $1 OR pg_catalog.right(a.id, 17) = $2)
), waiting AS (
    DELETE FROM observa_internal.analysis_events c
     WHERE c.tenant_id = observa.current_tenant() AND (c.user_id = $1 OR pg_catalog.right(c.user_id, 17) = $2)
), shared AS (
    UPDATE observa_internal.activities a SET user_id = NULL
     WHERE a.tenant_id = observa.current_tenant() AND a.actor <> 'user'
       AND (a.user_id = $1 OR pg_catalog.right(a.user_id, 17) = $2)
)
UPDATE observa_internal.traces t
   SET user_id = NULL
 WHERE t.tenant_id = observa.current_tenant() AND (t.user_id = $1 OR pg_catalog.right(t.user_id, 17) = $2)
