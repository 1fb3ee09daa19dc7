-- Sketches of distinct texts: how they are written, what they say, what is refused.
SELECT observa.distinct_values(name), observa.distinct_count(observa.distinct_values(name)) FROM (VALUES ('user-1'), (NULL), ('user-2'), ('user-1')) v(name);
SELECT observa.distinct_values(name) IS NULL AS none FROM (VALUES (NULL::text)) v(name);
SELECT observa.merge(d) IS NULL AS none, observa.distinct_count(NULL) FROM (VALUES (NULL::observa.distinct_values)) v(d);

-- Within three standard errors, 2.4 %, in each group; few are told apart exactly.
CREATE TABLE calls AS SELECT i % 3 AS model, 'user ' || i % (CASE i % 3 WHEN 0 THEN 30 WHEN 1 THEN 3000 ELSE 300000 END) AS name FROM generate_series(1, 300000) i;
CREATE TABLE hours AS SELECT model, length(name) AS hour, observa.distinct_values(name) AS users FROM calls GROUP BY 1, 2;
SELECT model, count(DISTINCT name) AS exact, abs(observa.distinct_count(observa.distinct_values(name))::float8 / count(DISTINCT name) - 1) <= 0.024 AS near
  FROM calls GROUP BY 1 ORDER BY 1;
-- Hours merge to what the calls make, in any order, and what is in several counts once.
SELECT model, observa.distinct_count(observa.merge(users ORDER BY hour)) = observa.distinct_count(observa.merge(users ORDER BY hour DESC)) AS in_any_order,
       observa.distinct_count(observa.merge(users)) = (SELECT observa.distinct_count(observa.distinct_values(name)) FROM calls c WHERE c.model = h.model) AS same
  FROM (SELECT * FROM hours UNION ALL SELECT * FROM hours) h GROUP BY 1 ORDER BY 1;
SELECT observa.distinct_count(observa_internal.add_distinct(a, b)), observa_internal.add_distinct(NULL, a)::text = a::text AS one, observa_internal.add_distinct(NULL, NULL) AS none
  FROM (SELECT observa.distinct_values(n::text) FILTER (WHERE n < 20) a, observa.distinct_values(n::text) FILTER (WHERE n >= 10) b FROM generate_series(1, 30) n) s;

-- Workers count apart, and the leader adds up.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT observa.distinct_count(observa.distinct_values(name)) FROM calls;
EXPLAIN (COSTS OFF) SELECT observa.distinct_count(observa.merge(users)) FROM hours;
SELECT observa.distinct_count(observa.distinct_values(name)) AS parallel FROM calls \gset
SELECT observa.distinct_count(observa.merge(users)) AS parallel_merge FROM hours \gset
SET max_parallel_workers_per_gather = 0;
SELECT observa.distinct_count(observa.distinct_values(name)) = :parallel AS same FROM calls;
SELECT observa.distinct_count(observa.merge(users)) = :parallel_merge AS same FROM hours;

-- There and back.
SELECT users::text::observa.distinct_values::text = users::text AS same, users::bytea::text = users::text AS bytes,
       users::bytea::observa.distinct_values::text = users::text AS of_bytes FROM hours GROUP BY 1, 2, 3;

-- No sketch.
SELECT 'no sketch'::observa.distinct_values;
SELECT '\x02'::observa.distinct_values;
SELECT '\x'::bytea::observa.distinct_values;
-- Of 2^12 registers; with a byte more; cut off; a mode that there is none of.
SELECT '\x0201070c0308020876422c068baeea07'::observa.distinct_values;
SELECT '\x0201070e0308020876422c068baeea0700'::observa.distinct_values;
SELECT '\x0201070e0308020876422c068bae'::observa.distinct_values;
SELECT '\x0201070e0308020b76422c068baeea07'::observa.distinct_values;
SELECT observa.distinct_count('\x0201070e0308020876422c068baeea07');
-- A register of a large one.
SELECT overlay(observa.distinct_values(name)::bytea PLACING '\x2a' FROM 5000)::observa.distinct_values FROM calls;
DROP TABLE calls, hours;
