-- USD, exactly; NULL is unknown, never zero. By hand: gpt-4o costs 2.50 and 10.00 USD a million tokens, half where cached.
SELECT observa.cost('gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}');
SELECT observa.cost('gpt-4o', '{"prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 400}}');
SELECT observa.cost('no-such-model', '{"input_tokens": 1}') IS NULL AS unknown;
SELECT observa.cost('gpt-4o', '{}') IS NULL AS unknown;
SELECT jsonb_pretty(observa.cost_breakdown('gpt-4o', '{"input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 500}', 'openai') - 'price_id');
-- A price of one's own wins over the built-in one, until it is gone.
INSERT INTO observa.model_prices (model, rates) VALUES ('gpt-4o', '{"input": 0.000001, "output": 0}');
SELECT observa.cost('gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}');
UPDATE observa.model_prices SET rates = '{"input": 0.000003, "output": 0}' WHERE model = 'gpt-4o' AND source = 'tenant';
SELECT observa.cost('gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}');
SELECT model, rates, valid_from, valid_to, source FROM observa.model_prices WHERE source = 'tenant';
DELETE FROM observa.model_prices WHERE source = 'tenant';
SELECT observa.cost('gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}');
