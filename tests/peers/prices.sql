-- What Observa's price book says to the cases of price_cases.py. psql variables: cases, price_map (files).
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION observa;
SELECT observa.setup();

CREATE TEMP TABLE lines (line text);
CREATE TEMP TABLE price_map (line text);
-- Separators that no JSON text contains.
\set copy_cases '\\copy lines FROM ' :'cases' ' (FORMAT csv, DELIMITER E''\\x01'', QUOTE E''\\x02'')'
:copy_cases
\set copy_map '\\copy price_map FROM ' :'price_map' ' (FORMAT csv, DELIMITER E''\\x01'', QUOTE E''\\x02'')'
:copy_map

CREATE TEMP VIEW priced AS
SELECT c ->> 'kind' AS kind, c, observa.cost(c ->> 'model', c -> 'usage', c ->> 'provider', (c ->> 'at')::timestamptz) AS usd,
       (c ->> 'usd')::numeric AS expected
  FROM lines, LATERAL (SELECT line::jsonb) AS parsed (c);
CREATE TEMP TABLE results AS SELECT 'built in' AS book, * FROM priced;

\timing on
SELECT 'rows loaded: ' || observa.load_prices(line::jsonb) FROM price_map;
\timing off
INSERT INTO results SELECT 'LiteLLM''s file over it', * FROM priced;

CREATE TEMP TABLE shares AS
SELECT book, kind, count(*) AS cases, count(*) FILTER (WHERE abs(usd - expected) <= 1e-9) AS equal,
       count(*) FILTER (WHERE usd IS NULL) AS unpriced, CASE kind WHEN 'plain' THEN 0.99 ELSE 0.95 END AS wanted
  FROM results GROUP BY book, kind;
SELECT format('%-24s %-6s %s of %s equal to 1e-9 USD (%s %%), %s unpriced', book, kind, equal, cases,
              round(100.0 * equal / cases, 2), unpriced)
  FROM shares ORDER BY book, kind;
SELECT format('  differs (%s): %s %s %s: %s, not %s', book, c ->> 'provider', c ->> 'model', c -> 'usage', usd, expected)
  FROM results WHERE abs(usd - expected) <= 1e-9 IS NOT TRUE ORDER BY book, kind, c::text LIMIT 20;
DO $$
BEGIN
    IF (SELECT count(*) FROM shares WHERE cases >= 200 AND equal >= wanted * cases) < 6 THEN
        RAISE EXCEPTION 'too few cases, or too few costs are equal';
    END IF;
END
$$;
