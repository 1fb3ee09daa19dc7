CREATE FUNCTION observa.export_user(user_id text, tenant uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_user_wrapper';
ALTER FUNCTION observa.export_user(text, uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.export_user(text, uuid) IS 'All that is stored of a person: {events, signals, alerts, logs, span_contents, rejected_events}

user_id is as the application writes it, also where a pseudonym is stored for it. tenant: NULL is that of who asks; a superuser''s
session may name any. More than one document takes (54000) is for export_user_rows. For who administers the tenant; audited.';

CREATE FUNCTION observa.export_user_rows(user_id text, tenant uuid DEFAULT NULL) RETURNS SETOF jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_user_rows_wrapper';
ALTER FUNCTION observa.export_user_rows(text, uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.export_user_rows(text, uuid) IS 'As export_user, however much it is: {table, row} for each thing that is stored';

CREATE FUNCTION observa.forget_user(user_id text, tenant uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'forget_user_wrapper';
ALTER FUNCTION observa.forget_user(text, uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.forget_user(text, uuid) IS 'Erases what is stored of a person; returns how many rows of each table were touched

Prompts, answers, attributes and log lines go, and the ids of person, session and conversation; so does what names nobody in sessions,
conversations and traces that are theirs alone. Events stay as counts, tokens and money, so that no sum changes. user_id is as the
application writes it. tenant: NULL is that of who asks; a superuser''s session may name any. For who administers the tenant; audited,
by a pseudonym.';

REVOKE ALL ON FUNCTION observa.export_user(text, uuid), observa.export_user_rows(text, uuid), observa.forget_user(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.export_user(text, uuid), observa.export_user_rows(text, uuid), observa.forget_user(text, uuid) TO observa_admin;
