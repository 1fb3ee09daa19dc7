-- What ingest locks before it raises an alert of the rule and group of $1 (sql/ingest/alerts.sql): the bucket, shared, and the alert's own.
SELECT pg_catalog.hashtextextended(a.tenant_id::text, 1 + (pg_catalog.uuid_hash(a.alert_key) & 63)),
       pg_catalog.hashtextextended(a.tenant_id::text || a.alert_key::text, 0)
  FROM observa_internal.alerts a
 WHERE a.alert_id = $1
