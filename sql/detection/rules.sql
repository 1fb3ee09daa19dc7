-- What the acting tenant has changed of rules, or added.
SELECT pg_catalog.to_jsonb(d)::text
  FROM observa_internal.detection_rules d
 WHERE d.tenant_id = observa.current_tenant() AND d.expression IS NULL
