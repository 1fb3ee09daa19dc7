CREATE OR REPLACE VIEW observa.answer_days WITH (security_invoker = true) AS
SELECT d.day, d.project_id, d.environment, nullif(d.model, '') AS model, nullif(d.route, '') AS route, n.answers,
       pg_catalog.exp((d.manner ->> 'ln_length')::double precision / nullif(n.answers, 0)) AS mean_length,
       (d.manner ->> 'refusals')::bigint AS refusals, (d.manner ->> 'cut_off')::bigint AS cut_off,
       d.manner -> 'languages' AS languages, d.tenant_id
  FROM observa_internal.answer_days d
 CROSS JOIN LATERAL (SELECT (d.manner ->> 'answers')::bigint AS answers) n;
COMMENT ON VIEW observa.answer_days IS 'How models answer, by day in UTC, model and route

Of a sample: the newest 500 answers of an hour of the tenant, of 64 kB at most. The job answers keeps it for 28 days, and raises model_drift where a day is another
than the 14 before (docs/signals.md).';
COMMENT ON COLUMN observa.answer_days.answers IS 'How many were looked at';
COMMENT ON COLUMN observa.answer_days.mean_length IS 'Characters; the geometric mean';
COMMENT ON COLUMN observa.answer_days.refusals IS 'Answers that were blocked, or begin as refusals do';
COMMENT ON COLUMN observa.answer_days.cut_off IS 'Answers that ended at the limit of tokens';
COMMENT ON COLUMN observa.answer_days.languages IS 'Answers by ISO 639-3 code; those that are short or in no plain language are in none';
CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.answer_days
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
