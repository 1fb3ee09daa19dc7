-- rows: of user_metrics, just folded.
INSERT INTO observa_internal.changed_user_days (tenant_id, day)
SELECT DISTINCT r.tenant_id, (r.bucket AT TIME ZONE 'UTC')::date FROM rows r
