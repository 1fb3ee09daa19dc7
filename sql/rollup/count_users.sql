-- $1 days that users are kept: older ones keep the number that they had. Of all tenants. What a fold adds meanwhile is neither
-- taken nor counted.
WITH changed AS (
    DELETE FROM observa_internal.changed_user_days RETURNING tenant_id, day
)
INSERT INTO observa_internal.user_days (tenant_id, day, users)
SELECT c.tenant_id, c.day,
       (SELECT pg_catalog.count(DISTINCT u.user_id) FROM observa_internal.user_metric_days u
         WHERE u.tenant_id = c.tenant_id AND u.events <> 0 AND u.bucket = c.day::timestamp AT TIME ZONE 'UTC')
  FROM (SELECT DISTINCT tenant_id, day FROM changed) c
 WHERE c.day > (pg_catalog.now() AT TIME ZONE 'UTC')::date - $1
    ON CONFLICT (tenant_id, day) DO UPDATE SET users = excluded.users
