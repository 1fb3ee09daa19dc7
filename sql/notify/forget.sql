DELETE FROM observa_internal.notifications n
 WHERE n.tenant_id = observa.current_tenant()
   AND (n.state = 'delivered' AND n.finished_at < pg_catalog.now() - interval '1 day'
        OR n.state = 'failed' AND n.finished_at < pg_catalog.now() - interval '7 days')
