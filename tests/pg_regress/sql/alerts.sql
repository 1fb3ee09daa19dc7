-- An alert's life: raised, repeated, acknowledged, resolved, raised anew, closed.
SELECT observa.ingest('{"model": "m", "route": "/alerts", "latency_ms": 6000}') - 'batch_id' AS answer;
SELECT title, description, severity, status, rule, source, current_value, threshold_value, occurrences
  FROM observa.alerts WHERE alert_group LIKE '%/alerts%';
SELECT observa.ingest('{"model": "m", "route": "/alerts", "latency_ms": 7000}') - 'batch_id' AS answer;
SELECT status, occurrences FROM observa.alerts WHERE alert_group LIKE '%/alerts%';
SELECT observa.acknowledge_alert(id, 'looking, ada@example.com') FROM observa.alerts WHERE alert_group LIKE '%/alerts%';
SELECT status, note FROM observa.alerts WHERE alert_group LIKE '%/alerts%';
SELECT observa.resolve_alert(id) FROM observa.alerts WHERE alert_group LIKE '%/alerts%';
SELECT observa.ingest('{"model": "m", "route": "/alerts", "latency_ms": 8000}') - 'batch_id' AS answer;
SELECT status, occurrences FROM observa.alerts WHERE alert_group LIKE '%/alerts%' ORDER BY created_at;
SELECT observa.close_alert(id, 'enough') FROM observa.alerts WHERE alert_group LIKE '%/alerts%' AND status = 'active';
SELECT status, note FROM observa.alerts WHERE alert_group LIKE '%/alerts%' ORDER BY created_at;
SELECT name, subject, severity, count, users FROM observa.issues WHERE subject LIKE '%/alerts%';
