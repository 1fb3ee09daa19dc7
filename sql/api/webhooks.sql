CREATE FUNCTION observa.create_webhook(project uuid, name text, url text DEFAULT NULL, format text DEFAULT 'generic',
    min_severity text DEFAULT 'warning', secret text DEFAULT NULL, OUT id uuid, OUT made_secret text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_webhook_wrapper';
ALTER FUNCTION observa.create_webhook(uuid, text, text, text, text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.create_webhook(uuid, text, text, text, text, text) IS 'Sends alerts of a project to a URL from now on; project NULL: of the whole tenant

format is generic, slack or pagerduty; alerts below min_severity (info, warning, critical) are not sent. secret is the key of the HMAC
that signs what is sent (generic), or PagerDuty''s routing key; PagerDuty needs no url. Where generic has none, one is made and
returned as made_secret, shown this once. A superuser, or who administers the tenant.';

CREATE FUNCTION observa.update_webhook(id uuid, enabled boolean DEFAULT NULL, name text DEFAULT NULL, url text DEFAULT NULL,
    min_severity text DEFAULT NULL, secret text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'update_webhook_wrapper';
ALTER FUNCTION observa.update_webhook(uuid, boolean, text, text, text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.update_webhook(uuid, boolean, text, text, text, text) IS 'Changes a webhook; what is NULL stays. A webhook that is not there is an error (02000)';

CREATE FUNCTION observa.delete_webhook(id uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'delete_webhook_wrapper';
ALTER FUNCTION observa.delete_webhook(uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.delete_webhook(uuid) IS 'Ends a webhook, with what was queued for it and its log';

CREATE FUNCTION observa.test_webhook(id uuid) RETURNS uuid
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'test_webhook_wrapper';
ALTER FUNCTION observa.test_webhook(uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.test_webhook(uuid) IS 'Queues a test for an enabled webhook; its id in observa.notifications, where its state tells how it went';

REVOKE ALL ON FUNCTION observa.create_webhook(uuid, text, text, text, text, text),
    observa.update_webhook(uuid, boolean, text, text, text, text), observa.delete_webhook(uuid), observa.test_webhook(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.create_webhook(uuid, text, text, text, text, text),
    observa.update_webhook(uuid, boolean, text, text, text, text), observa.delete_webhook(uuid), observa.test_webhook(uuid)
    TO observa_admin;

CREATE FUNCTION observa.publish_realtime(publication name DEFAULT 'supabase_realtime') RETURNS void
    LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'publish_realtime_wrapper';
REVOKE ALL ON FUNCTION observa.publish_realtime(name) FROM PUBLIC;
COMMENT ON FUNCTION observa.publish_realtime(name) IS 'Adds alerts and signals to a publication, which it makes where it is missing; can be repeated

For superusers. Signals are published as of their partitioned table (publish_via_partition_root).';

CREATE FUNCTION observa_internal.tenant_of_webhook(webhook uuid) RETURNS uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_of_webhook_wrapper';
ALTER FUNCTION observa_internal.tenant_of_webhook(uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenant_of_webhook(uuid) IS 'Whose a webhook is; NULL: there is no such webhook';

CREATE FUNCTION observa_internal.tenants_with_news() RETURNS SETOF uuid
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenants_with_news_wrapper';
ALTER FUNCTION observa_internal.tenants_with_news() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenants_with_news() IS 'Tenants whose alerts have changed or may be missing, for maintenance';

CREATE FUNCTION observa_internal.claim_notifications(most integer) RETURNS SETOF text
    LANGUAGE c VOLATILE STRICT ROWS 16 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'claim_notifications_wrapper';
ALTER FUNCTION observa_internal.claim_notifications(integer) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.claim_notifications(integer) IS 'Takes notifications that are due for sending, for a minute, each as JSON; for workers, which commit before they send

For superusers. What became of each is told to observa_internal.record_delivery().';

CREATE FUNCTION observa_internal.record_delivery(tenant uuid, id uuid, lease uuid, state text, retry_seconds double precision,
    status integer, error text) RETURNS boolean
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'record_delivery_wrapper';
ALTER FUNCTION observa_internal.record_delivery(uuid, uuid, uuid, text, double precision, integer, text) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.record_delivery(uuid, uuid, uuid, text, double precision, integer, text) IS 'What became of a notification that was claimed: delivered, failed, or pending for another try; false: its lease has ended

For superusers.';
