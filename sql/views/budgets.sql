-- Each asks for the sums of a budget's kind alone: of days, which are kept for ever, where there are such.
CREATE OR REPLACE FUNCTION observa_internal.folded_spending(tenant uuid, project uuid, of_model text, of_user text, of_tag text,
        of_value text, since timestamptz, until timestamptz) RETURNS numeric
    LANGUAGE sql STABLE
    RETURN coalesce(CASE
        WHEN of_tag IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.tag_metrics m
              WHERE m.tenant_id = tenant AND m.tag = of_tag AND m.bucket >= since AND m.bucket < until AND m.value = of_value
                AND (project IS NULL OR m.project_id = project))
        WHEN of_user IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.user_metrics m
              WHERE m.tenant_id = tenant AND m.user_id = of_user AND m.bucket >= since AND m.bucket < until
                AND (project IS NULL OR m.project_id = project))
        WHEN of_model IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.metrics m
               JOIN observa_internal.metric_series s ON s.tenant_id = m.tenant_id AND s.series_id = m.series_id
              WHERE m.tenant_id = tenant AND m.resolution = 'day' AND m.bucket >= since AND m.bucket < until AND s.model = of_model
                AND (project IS NULL OR s.project_id = project))
        ELSE
            (SELECT sum(m.cost_usd) FROM observa_internal.metric_totals m
              WHERE m.tenant_id = tenant AND m.resolution = 'day' AND m.bucket >= since AND m.bucket < until
                AND (project IS NULL OR m.project_id = project))
        END, 0);
COMMENT ON FUNCTION observa_internal.folded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) IS 'USD of a budget''s kind, as far as maintenance has folded them';

CREATE OR REPLACE FUNCTION observa_internal.unfolded_spending(tenant uuid, project uuid, of_model text, of_user text, of_tag text,
        of_value text, since timestamptz, until timestamptz) RETURNS numeric
    LANGUAGE sql STABLE
    RETURN coalesce(CASE
        WHEN of_tag IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.unfolded_tags() m
              WHERE m.tenant_id = tenant AND m.tag = of_tag AND m.bucket >= since AND m.bucket < until AND m.value = of_value
                AND (project IS NULL OR m.project_id = project))
        WHEN of_user IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.unfolded_users() m
              WHERE m.tenant_id = tenant AND m.user_id = of_user AND m.bucket >= since AND m.bucket < until
                AND (project IS NULL OR m.project_id = project))
        WHEN of_model IS NOT NULL THEN
            (SELECT sum(m.cost_usd) FROM observa_internal.unfolded_metrics('day') m
              WHERE m.tenant_id = tenant AND m.bucket >= since AND m.bucket < until AND m.model = of_model
                AND (project IS NULL OR m.project_id = project))
        ELSE
            (SELECT sum(m.cost_usd) FROM observa_internal.unfolded_totals('day') m
              WHERE m.tenant_id = tenant AND m.bucket >= since AND m.bucket < until AND (project IS NULL OR m.project_id = project))
        END, 0);
COMMENT ON FUNCTION observa_internal.unfolded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) IS 'USD of a budget''s kind that maintenance has not folded yet, corrections among them';

REVOKE ALL ON FUNCTION observa_internal.folded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz),
    observa_internal.unfolded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.folded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz),
    observa_internal.unfolded_spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) TO observa_read, observa_owner;

-- OFFSET 0: what was spent is added up once for each row that is asked for, not in each column that needs it.
CREATE OR REPLACE VIEW observa.budgets WITH (security_invoker = true) AS
SELECT b.budget_id AS id, b.name, b.project_id, b.model, b.user_id, b.tag, b.value, b.period, b.amount_usd, b.warn_percent, b.enabled,
       s.spent_usd, pg_catalog.round(s.spent_usd * 100 / b.amount_usd, 1) AS percent,
       pg_catalog.round(s.spent_usd * EXTRACT(epoch FROM p.until - p.since)
                        / greatest(EXTRACT(epoch FROM pg_catalog.now() - p.since), 3600), 6) AS forecast_usd,
       CASE WHEN s.spent_usd >= b.amount_usd THEN 'exceeded'
            WHEN s.spent_usd * 100 >= b.amount_usd * b.warn_percent THEN 'warning'
            WHEN s.spent_usd IS NOT NULL THEN 'ok' END AS state,
       p.since AS period_start, p.until AS period_end, b.hard_stop, b.tenant_id, b.created_at, b.changed_at
  FROM observa_internal.budgets b
 CROSS JOIN LATERAL (SELECT pg_catalog.date_trunc(b.period, pg_catalog.now(), 'UTC') AS since,
                            (pg_catalog.date_trunc(b.period, pg_catalog.now() AT TIME ZONE 'UTC') + ('1 ' || b.period)::interval)
                                AT TIME ZONE 'UTC' AS until) p
 CROSS JOIN LATERAL (SELECT observa_internal.spending(b.tenant_id, b.project_id, b.model, b.user_id, b.tag, b.value, p.since, p.until)
                                AS spent_usd OFFSET 0) s;
COMMENT ON VIEW observa.budgets IS 'Budgets: what the tenant wants to spend at most in a day, week or month, and what it has spent

INSERT, UPDATE and DELETE are for who administers the tenant: name, amount_usd and period are needed, all else may be left out. A
budget is of all projects or one, and of all spending or that of one model, one user, or one value of a tag that the project''s
metric_tags list. Signals budget_warning and budget_exceeded tell of it once a period. docs/budgets.md.';
COMMENT ON COLUMN observa.budgets.name IS 'Each budget of a tenant has its own: alerts are told apart by it';
COMMENT ON COLUMN observa.budgets.project_id IS 'NULL: all projects together';
COMMENT ON COLUMN observa.budgets.model IS 'As in observa.events; NULL: any';
COMMENT ON COLUMN observa.budgets.user_id IS 'As the application writes it, kept as in observa.events; NULL: anybody';
COMMENT ON COLUMN observa.budgets.tag IS 'One of metric_tags, with its value; NULL: whatever the tags';
COMMENT ON COLUMN observa.budgets.period IS 'day, week (from Monday) or month, in UTC';
COMMENT ON COLUMN observa.budgets.warn_percent IS 'Of the amount: from there on budget_warning; default 80';
COMMENT ON COLUMN observa.budgets.enabled IS 'Whether signals tell of it, and it may stop';
COMMENT ON COLUMN observa.budgets.hard_stop IS 'Whether nothing is stored while it is exceeded, half a minute later at most: of a budget of all spending alone; default false';
COMMENT ON COLUMN observa.budgets.spent_usd IS 'In the current period, of billable events whose cost is known; NULL: the reader may not read metrics';
COMMENT ON COLUMN observa.budgets.percent IS 'Of the amount';
COMMENT ON COLUMN observa.budgets.forecast_usd IS 'USD at the period''s end, if it goes on as on average since its beginning (in the first hour as if that was over)';
COMMENT ON COLUMN observa.budgets.state IS 'ok, warning or exceeded; NULL: as spent_usd';
COMMENT ON COLUMN observa.budgets.period_end IS 'When the next one begins';

CREATE OR REPLACE TRIGGER edit_budget INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.budgets
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_budget();
