-- Histograms of latencies: how they are written, what they say, what is refused.
SELECT observa.histogram(ms), observa.histogram_count(observa.histogram(ms)) FROM (VALUES (1.5::float8), (NULL), (250), ('NaN'), (-1)) v(ms);
SELECT observa.histogram(ms) IS NULL AS none FROM (VALUES (NULL::float8), ('Infinity')) v(ms);
SELECT observa.merge(h) IS NULL AS none, observa.quantile(NULL, 0.5), observa.histogram_mean(NULL) FROM (VALUES (NULL::observa.histogram)) v(h);

-- Within 0.5 % of the exact values, in each group.
CREATE TABLE calls AS SELECT i % 3 AS model, 5 + (i::bigint * 7919 % 10007)::float8 / 1.3 AS ms FROM generate_series(1, 30000) i;
CREATE TABLE minutes AS SELECT model, ms::int % 60 AS minute, observa.histogram(ms) AS latency FROM calls GROUP BY 1, 2;
SELECT model, q, abs(observa.quantile(h, q) / exact - 1) <= 0.005 AS near, observa.histogram_count(h) = n AS counts,
       abs(observa.histogram_mean(h) / mean - 1) <= 0.005 AS mean_near
  FROM (VALUES (0.5::float8), (0.9), (0.95), (0.99)) v(q)
 CROSS JOIN LATERAL (SELECT model, observa.histogram(ms) h, percentile_disc(q) WITHIN GROUP (ORDER BY ms) exact, count(*) n, avg(ms) mean
                       FROM calls GROUP BY model) c ORDER BY 1, 2;
-- Minutes merge to what the calls make; in a window, too.
SELECT (SELECT observa.histogram(ms) FROM calls)::text = (SELECT observa.merge(latency) FROM minutes)::text AS same,
       (SELECT observa.merge(latency) FROM minutes)::text = (SELECT observa.merge(latency ORDER BY minute DESC) FROM minutes)::text AS in_any_order;
SELECT observa.histogram_count(observa.merge(latency) OVER (ORDER BY minute)) FROM minutes WHERE model = 1 ORDER BY minute LIMIT 3;
SELECT a.minute, observa_internal.add_histograms(a.latency, b.latency)::text = m.h::text AS same,
       observa_internal.add_histograms(NULL, a.latency)::text = a.latency::text AS one, observa_internal.add_histograms(NULL, NULL) AS none
  FROM minutes a JOIN minutes b USING (minute),
       LATERAL (SELECT observa.merge(latency) h FROM minutes c WHERE c.minute = a.minute AND c.model IN (0, 1)) m
 WHERE a.model = 0 AND b.model = 1 AND minute < 3 ORDER BY 1;

-- Workers count apart, and the leader adds up.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT observa.quantile(observa.histogram(ms), 0.95) FROM calls;
EXPLAIN (COSTS OFF) SELECT observa.quantile(observa.merge(latency), 0.95) FROM minutes;
SELECT observa.histogram(ms)::text AS parallel FROM calls \gset
SELECT observa.merge(latency)::text AS parallel_merge FROM minutes \gset
SET max_parallel_workers_per_gather = 0;
SELECT observa.histogram(ms)::text = :'parallel' AS same FROM calls;
SELECT observa.merge(latency)::text = :'parallel_merge' AS same FROM minutes;

-- There and back.
SELECT latency::text::observa.histogram::text = latency::text AS same, latency::bytea::text = latency::text AS bytes,
       latency::bytea::observa.histogram::text = latency::text AS of_bytes, count(*) FROM minutes GROUP BY 1, 2, 3;

-- No histogram.
SELECT 'no histogram'::observa.histogram;
SELECT '\x1c8'::observa.histogram;
SELECT '\x'::observa.histogram;
SELECT '\x1c849303'::observa.histogram;
SELECT '\x1c849303'::bytea::observa.histogram;
SELECT '\x1c84931300000001000000000000000200000000000000010000008cd0e3a0003ff000000000000002'::observa.histogram;
SELECT '\x1c84931300000001000000000000000300000000000000010000008cd0e3a0003ff000000000000002'::observa.histogram;
SELECT '\x1c849313ffffffff000000000000000200000000000000010000008cd0e3a0003ff000000000000002'::observa.histogram;
SELECT '\x1c84931300000009000000000000000200000000000000010000008cd0e3a0003ff0000000000000ffffffffffffffffff'::observa.histogram;
SELECT observa.quantile('\x1c84931300000001000000000000000200000000000000010000008cd0e3a0003ff000000000000000', 0.5) IS NULL AS empty;
SELECT observa.quantile(latency, 1.01) FROM minutes LIMIT 1;
SELECT observa.quantile(latency, 'NaN') FROM minutes LIMIT 1;
\set VERBOSITY sqlstate
SELECT observa.quantile(latency, -0.1) FROM minutes LIMIT 1;
SELECT 'no histogram'::observa.histogram;
SELECT '\x1c84'::observa.histogram;
DROP TABLE calls, minutes;
