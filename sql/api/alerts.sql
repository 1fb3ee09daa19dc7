CREATE FUNCTION observa.acknowledge_alert(id uuid, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'acknowledge_alert_wrapper';
ALTER FUNCTION observa.acknowledge_alert(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.acknowledge_alert(uuid, text) IS 'Somebody looks at the alert: it stays open, and is not raised again. An alert that is not active is an error (02000)';

CREATE FUNCTION observa.resolve_alert(id uuid, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'resolve_alert_wrapper';
ALTER FUNCTION observa.resolve_alert(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.resolve_alert(uuid, text) IS 'The cause is mended: the next signal of its rule and group raises a new alert. An alert that is not open is an error (02000)';

CREATE FUNCTION observa.close_alert(id uuid, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'close_alert_wrapper';
ALTER FUNCTION observa.close_alert(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.close_alert(uuid, text) IS 'The alert is done with, whether mended or not. One that is closed is an error (02000)';

REVOKE ALL ON FUNCTION observa.acknowledge_alert(uuid, text), observa.resolve_alert(uuid, text),
    observa.close_alert(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.acknowledge_alert(uuid, text), observa.resolve_alert(uuid, text),
    observa.close_alert(uuid, text) TO observa_admin;

CREATE FUNCTION observa.mute_rule(rule text, alert_group text, until timestamptz) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'mute_rule_wrapper';
ALTER FUNCTION observa.mute_rule(text, text, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.mute_rule(text, text, timestamptz) IS 'Until a time a rule raises no alerts about a group; NULL: about anything. Signals go on

rule is what alerts call it. A time that is over, or NULL, ends it: the next signal raises an alert again. Open alerts stay.';
REVOKE ALL ON FUNCTION observa.mute_rule(text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.mute_rule(text, text, timestamptz) TO observa_admin;
