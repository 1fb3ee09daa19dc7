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

CREATE FUNCTION observa.explain_alert(id uuid) RETURNS jsonb
    LANGUAGE c STABLE STRICT SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'explain_alert_wrapper';
ALTER FUNCTION observa.explain_alert(uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.explain_alert(uuid) IS 'What an alert rests on: rule, value, threshold, what is usual, series, sample events, history, what to do, related alerts

For readers of the tenant. series is null where the rule is not over a window. An alert that is not the tenant''s is an error (02000).';
REVOKE ALL ON FUNCTION observa.explain_alert(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.explain_alert(uuid) TO observa_read;

CREATE FUNCTION observa.mute_rule(rule text, alert_group text, until timestamptz) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'mute_rule_wrapper';
ALTER FUNCTION observa.mute_rule(text, text, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.mute_rule(text, text, timestamptz) IS 'Until a time a rule raises no alerts about a group; NULL: about anything. Signals go on

rule is what alerts call it. A time that is over, or NULL, ends it: the next signal raises an alert again. Open alerts stay.';
REVOKE ALL ON FUNCTION observa.mute_rule(text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.mute_rule(text, text, timestamptz) TO observa_admin;

CREATE FUNCTION observa.reopen_alert(id uuid, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'reopen_alert_wrapper';
ALTER FUNCTION observa.reopen_alert(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.reopen_alert(uuid, text) IS 'An alert that has ended is active again, and its signals are its own from its beginning on

One that is neither resolved nor closed is an error (02000), and so is one since which another was raised for its rule and group (23505).';

CREATE FUNCTION observa.assign_alert(id uuid, assignee text, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'assign_alert_wrapper';
ALTER FUNCTION observa.assign_alert(uuid, text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.assign_alert(uuid, text, text) IS 'Who looks after an alert, in whatever state it is: a name, an e-mail address or an account''s id, up to 200 bytes; NULL: nobody

It changes nothing else, and nobody is told. Credentials in it are replaced.';

CREATE FUNCTION observa.note_alert(id uuid, note text) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'note_alert_wrapper';
ALTER FUNCTION observa.note_alert(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.note_alert(uuid, text) IS 'Says something of an alert, in whatever state it is; what was said before stays in observa.alert_events';

REVOKE ALL ON FUNCTION observa.reopen_alert(uuid, text), observa.assign_alert(uuid, text, text), observa.note_alert(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.reopen_alert(uuid, text), observa.assign_alert(uuid, text, text), observa.note_alert(uuid, text) TO observa_admin;
