-- Secrets and personal data, each replaced by its kind. None of these is anybody's.
SELECT observa.scrub('mail ada@example.com, card 4111 1111 1111 1111, ssn 536-90-4399');
SELECT observa.scrub('key AKIAIOSFODNN7EXAMPLQ and token ghp_16C7e42F292c6912E7710c838347Ae178B4a');
SELECT observa.scrub('{"password": "hunter2-Xq9!", "nested": [{"email": "ada@example.com"}], "n": 1.50}'::jsonb);
SELECT * FROM observa.find_secrets('ünï ada@example.com and 4111 1111 1111 1111') ORDER BY start;
SELECT observa.scrub('nothing here: 2026-01-01, v1.2.3, 100 %');
SELECT observa.scrub(observa.scrub('ada@example.com')) = observa.scrub('ada@example.com') AS twice_is_once;
SELECT observa.scrub(NULL::text) IS NULL AS nothing_of_nothing;
-- A secret of the tenant's own, and e-mails that are kept.
SELECT observa.add_scrub_pattern(tenant_id, 'badge', 'BDG-[0-9]+') FROM observa_internal.tenants WHERE name = 'default';
SELECT observa.scrub_emails(id, false) FROM observa.projects WHERE name = 'default';
SELECT observa.ingest('{"model": "m", "route": "/scrub", "input": "BDG-17 of ada@example.com"}') - 'batch_id' AS answer;
SELECT input, redactions FROM observa.events WHERE route = '/scrub';
SELECT observa.remove_scrub_pattern(tenant_id, 'badge') FROM observa_internal.tenants WHERE name = 'default';
SELECT observa.scrub_emails(id, NULL) FROM observa.projects WHERE name = 'default';
