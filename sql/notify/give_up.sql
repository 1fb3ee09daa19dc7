-- What nobody could send within a day (its webhook is not enabled, nothing delivers) is no news any more.
UPDATE observa_internal.notifications n
   SET state = 'failed', last_error = 'not sent within a day', finished_at = pg_catalog.now()
 WHERE n.tenant_id = observa.current_tenant() AND n.state IN ('pending', 'sending')
   AND n.created_at < pg_catalog.now() - interval '1 day' AND n.next_attempt <= pg_catalog.now()
