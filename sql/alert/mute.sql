-- $1 rule, $2 group, $3 until when, in the acting tenant. What has ended is forgotten.
WITH ended AS (
    DELETE FROM observa_internal.rule_mutes u
     WHERE u.tenant_id = observa.current_tenant() AND u.until <= pg_catalog.now()
       AND (u.rule, u.alert_group) IS DISTINCT FROM ($1, $2)
)
INSERT INTO observa_internal.rule_mutes (tenant_id, rule, alert_group, until)
VALUES (observa.current_tenant(), $1, $2, $3)
    ON CONFLICT (tenant_id, rule, alert_group) DO UPDATE SET until = excluded.until
