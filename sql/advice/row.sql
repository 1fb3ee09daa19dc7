-- What less than a day saved says nothing of a month.
SELECT f.kind, f.subject, f.advice, pg_catalog.trim_scale(pg_catalog.round(f.saving_usd, 6)),
       CASE WHEN $4::timestamptz - $3::timestamptz >= interval '1 day' THEN
           pg_catalog.trim_scale(pg_catalog.round(f.saving_usd * 2592000 / EXTRACT(epoch FROM $4::timestamptz - $3::timestamptz), 6)) END,
       f.saving_ms, f.evidence, f.confidence
  FROM ({found}) f
 WHERE $5 > 0 AND $1 IS NOT NULL AND $2 IS NOT DISTINCT FROM $2
 ORDER BY f.saving_usd DESC NULLS LAST, f.saving_ms DESC NULLS LAST, f.subject
 LIMIT 20
