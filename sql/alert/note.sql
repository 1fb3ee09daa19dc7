UPDATE observa_internal.alerts SET note = $2 WHERE alert_id = $1
