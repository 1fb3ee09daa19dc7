-- The built-in rules, a tenant's exceptions, and back.
SELECT name, type, severity, threshold, unit, enabled, event_types FROM observa.detection_rules ORDER BY name;
UPDATE observa.detection_rules SET threshold = 1000, severity = 'high' WHERE name = 'medium_latency';
SELECT name, severity, threshold, enabled, project_id FROM observa.detection_rules WHERE name = 'medium_latency';
SELECT observa.ingest('{"model": "m", "route": "/rules", "latency_ms": 1500}') -> 'signals' AS signals;
SELECT name, severity, value, threshold FROM observa.signals WHERE route = '/rules';
UPDATE observa.detection_rules SET enabled = false WHERE name = 'medium_latency';
SELECT observa.ingest('{"model": "m", "route": "/rules", "latency_ms": 1500}') -> 'signals' AS signals;
DELETE FROM observa.detection_rules WHERE name = 'medium_latency';
SELECT name, severity, threshold, enabled FROM observa.detection_rules WHERE name = 'medium_latency';
