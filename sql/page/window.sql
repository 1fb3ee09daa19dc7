-- $1 since, $2 until, as somebody asked: the window as it is shown. Sums are by the minute up to 3 hours, by the hour up to 8 days, else by the
-- day; those by model, which are more rows, by the hour up to 2 days. Its ends are widened to those of the buckets, but not beyond now: what is
-- shown is what is counted. Before it lies a window of the same length, widened, too. NULL: there is none.
WITH asked AS (
    SELECT least(coalesce($2, now()), now()) AS until, $1 AS since
), bounded AS (
    SELECT a.until, greatest(a.since, a.until - interval '400 days') AS since FROM asked a WHERE a.since < a.until
), units AS (
    SELECT b.until, b.since, b.until - b.since AS length,
           CASE WHEN b.until - b.since <= interval '3 hours' THEN 'minute' WHEN b.until - b.since <= interval '8 days' THEN 'hour' ELSE 'day' END AS unit,
           CASE WHEN b.until - b.since <= interval '3 hours' THEN 'minute' WHEN b.until - b.since <= interval '2 days' THEN 'hour' ELSE 'day' END AS usage_unit
      FROM bounded b
), whole AS (
    SELECT u.unit, u.usage_unit, date_trunc(u.unit, u.since, 'UTC') AS from_bucket, date_trunc(u.usage_unit, u.since, 'UTC') AS usage_from,
           least(now(), date_trunc(u.unit, u.until - interval '1 microsecond', 'UTC') + ('1 ' || u.unit)::interval) AS until,
           least(now(), date_trunc(u.usage_unit, u.until - interval '1 microsecond', 'UTC') + ('1 ' || u.usage_unit)::interval) AS usage_until
      FROM units u
), compared AS (
    SELECT w.*, date_trunc(w.unit, w.from_bucket - (w.until - w.from_bucket), 'UTC') AS before FROM whole w
)
SELECT w.unit, w.usage_unit, w.before, w.from_bucket, w.usage_from, w.until, w.usage_until, has_table_privilege('observa.logs', 'SELECT'),
       json_build_object(
           'project', (SELECT p.name || ' (' || p.environment || ')' FROM observa.projects p WHERE p.id = $3),
           'before', to_char(w.before AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           'since', to_char(w.from_bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           'until', to_char(w.until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           'unit', w.unit,
           'made_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))::text
  FROM compared w
