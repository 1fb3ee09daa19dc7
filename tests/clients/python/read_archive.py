"""What DuckDB finds in archives: for each table its rows and columns, and of the events sums and a hash. read_archive.py DIRECTORY"""
import json
import sys

import duckdb

folder = sys.argv[1]


def one(sql, *arguments):
    return duckdb.execute(sql, arguments).fetchone()


found = {}
for table in ("events", "event_payloads", "signals", "logs"):
    files = f"{folder}/{table}/*.parquet"
    types = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [files]).fetchall()
    found[table] = {
        "rows": one("SELECT count(*) FROM read_parquet(?)", files)[0],
        "types": {column[0]: column[1] for column in types},
    }

# As docs/retention.md has it.
found["cost"] = one(
    "SELECT sum(cost_usd::DECIMAL(38, 18))::VARCHAR FROM read_parquet(?)", f"{folder}/events/*.parquet"
)[0]
found["tokens"] = one("SELECT sum(input_tokens)::BIGINT FROM read_parquet(?)", f"{folder}/events/*.parquet")[0]
found["newest"] = one("SELECT max(epoch_us(ts)) FROM read_parquet(?)", f"{folder}/events/*.parquet")[0]
found["tenants"] = one(
    "SELECT string_agg(DISTINCT tenant_id::VARCHAR, ',') FROM read_parquet(?)", f"{folder}/events/*.parquet"
)[0]
found["inputs"] = one(
    "SELECT md5(string_agg(input, '|' ORDER BY event_id)) FROM read_parquet(?)", f"{folder}/event_payloads/*.parquet"
)[0]
found["attribute"] = one(
    "SELECT attributes->>'$.deep' FROM read_parquet(?) WHERE attributes IS NOT NULL LIMIT 1",
    f"{folder}/event_payloads/*.parquet",
)[0]
print(json.dumps(found))
