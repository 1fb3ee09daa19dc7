-- Settings that somebody has changed: name, value with its unit, whether it is a text. Of others than Observa no text.
SELECT s.name, s.setting || coalesce(' ' || s.unit, ''), s.vartype = 'string'
  FROM pg_catalog.pg_settings s
 WHERE s.setting IS DISTINCT FROM s.boot_val AND s.context <> 'internal'
   AND (s.name LIKE 'observa.%' OR s.vartype <> 'string')
 ORDER BY s.name
