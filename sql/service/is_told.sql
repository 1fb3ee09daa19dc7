-- Whether a signal of alert $1 was raised since $2.
SELECT EXISTS (SELECT FROM observa_internal.signals s
                WHERE s.tenant_id = observa.current_tenant() AND s.alert_key = $1 AND s.ts >= $2)
