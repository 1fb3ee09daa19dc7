CREATE FUNCTION observa.export_user(user_id text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_user_wrapper';
ALTER FUNCTION observa.export_user(text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.export_user(text) IS 'All that is stored of a person: {events, logs, signals}

user_id is as the application writes it, also where a pseudonym is stored for it. For who administers the tenant; audited.';

CREATE FUNCTION observa.forget_user(user_id text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'forget_user_wrapper';
ALTER FUNCTION observa.forget_user(text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.forget_user(text) IS 'Erases what is stored of a person; returns how many rows of each table were touched

Prompts, answers, attributes and log lines go, and the ids of person, session and conversation. Events stay as counts, tokens
and money, so that no sum changes. user_id is as the application writes it. For who administers the tenant; audited, by the stored id.';

REVOKE ALL ON FUNCTION observa.export_user(text), observa.forget_user(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.export_user(text), observa.forget_user(text) TO observa_admin;
