"""Writes cases as JSON lines: calls, and what they cost by the calculations of LiteLLM and genai-prices.

    python price_cases.py cases.jsonl litellm.json

plain  both calculate it, and agree to 1e-9 USD
tier   the same for a service tier (batch, flex, priority)
dated  genai-prices alone, at the turn of a dated price: LiteLLM knows no dates

The second file is LiteLLM's price map on one line, digit by digit as it is published.
"""

import datetime
import json
import os
import sys
import warnings
from pathlib import Path

os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'
os.environ['LITELLM_LOG'] = 'CRITICAL'
warnings.simplefilter('ignore')

import genai_prices
import genai_prices.types
import litellm
from genai_prices.data import providers as genai_providers
from litellm.cost_calculator import batch_cost_calculator, cost_per_token

# A provider as genai-prices, LiteLLM's map, and clients call it.
PROVIDERS = [
    ('openai', 'openai', 'openai'),
    ('anthropic', 'anthropic', 'anthropic'),
    ('google', 'gemini', 'gcp.gemini'),
    ('aws', 'bedrock', 'aws.bedrock'),
    ('aws', 'bedrock_converse', 'aws.bedrock'),
    ('azure', 'azure', 'azure'),
    ('cohere', 'cohere_chat', 'cohere'),
    ('deepseek', 'deepseek', 'deepseek'),
    ('fireworks', 'fireworks_ai', 'fireworks_ai'),
    ('groq', 'groq', 'groq'),
    ('mistral', 'mistral', 'mistral_ai'),
    ('moonshotai', 'moonshot', 'moonshot'),
    ('openrouter', 'openrouter', 'openrouter'),
    ('perplexity', 'perplexity', 'perplexity'),
    ('together', 'together_ai', 'together_ai'),
    ('x-ai', 'xai', 'xai'),
]

USAGES = [
    {'input_tokens': 1000, 'output_tokens': 500},
    {'input_tokens': 10000, 'output_tokens': 700, 'cached_input_tokens': 6000},
    {'input_tokens': 9000, 'output_tokens': 4000, 'reasoning_tokens': 3000},
    {'input_tokens': 310000, 'output_tokens': 2000, 'cached_input_tokens': 100000},
    {'input_tokens': 8000, 'output_tokens': 100, 'cached_input_tokens': 1000, 'cache_write_tokens': 3000},
    {'input_tokens': 8000, 'output_tokens': 100, 'cache_write_tokens': 1000, 'cache_write_1h_tokens': 3000},
    {'input_tokens': 2000, 'output_tokens': 300, 'input_audio_tokens': 1500, 'output_audio_tokens': 200},
]

# Ahead of the clock: a price that is loaded now holds at it.
AT = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(minutes=10)


def by_genai(provider, model, usage, tier=None, at=AT):
    count = usage.get
    written = count('cache_write_tokens', 0) + count('cache_write_1h_tokens', 0)
    known = {
        'input_tokens': count('input_tokens'),
        'output_tokens': count('output_tokens'),
        'cache_read_tokens': count('cached_input_tokens'),
        'cache_write_tokens': written or None,
        'cache_write_1h_tokens': count('cache_write_1h_tokens'),
        'input_audio_tokens': count('input_audio_tokens'),
        'output_audio_tokens': count('output_audio_tokens'),
        'output_reasoning_tokens': count('reasoning_tokens'),
    }
    context = {'processing': 'batch'} if tier == 'batch' else {'service_tier': tier} if tier else None
    try:
        return genai_prices.calc_price(
            genai_prices.types.Usage(**{key: value for key, value in known.items() if value}),
            model, provider_id=provider, genai_request_timestamp=at, price_context=context,
        ).total_price
    except (LookupError, ValueError):
        return None


def by_litellm(provider, model, usage, tier=None):
    count = usage.get
    written = count('cache_write_tokens', 0) + count('cache_write_1h_tokens', 0)
    details = {'cached_tokens': count('cached_input_tokens', 0), 'audio_tokens': count('input_audio_tokens', 0)}
    if written:
        details['cache_creation_tokens'] = written
        details['cache_creation_token_details'] = {
            'ephemeral_5m_input_tokens': count('cache_write_tokens', 0),
            'ephemeral_1h_input_tokens': count('cache_write_1h_tokens', 0),
        }
    reported = litellm.types.utils.Usage(
        prompt_tokens=count('input_tokens'),
        completion_tokens=count('output_tokens'),
        total_tokens=count('input_tokens') + count('output_tokens'),
        prompt_tokens_details=details,
        completion_tokens_details={
            'reasoning_tokens': count('reasoning_tokens', 0), 'audio_tokens': count('output_audio_tokens', 0),
        },
    )
    try:
        if tier == 'batch':
            return sum(batch_cost_calculator(reported, model, provider))
        return sum(cost_per_token(model=model, usage_object=reported, custom_llm_provider=provider, service_tier=tier))
    except Exception:
        return None


def agreed():
    """What both know and agree on."""
    for genai, litellms, ours in PROVIDERS:
        for key, info in litellm.model_cost.items():
            if info.get('litellm_provider') != litellms or not (info.get('input_cost_per_token') or info.get('tiered_pricing')):
                continue
            model = key.removeprefix(litellms.removesuffix('_converse').removesuffix('_chat') + '/')
            # LiteLLM's map prices Fireworks' priority tier, but neither calculation looks at it.
            known = [] if genai == 'fireworks' else [('batch', 'batches'), ('flex', 'flex'), ('priority', 'priority')]
            tiers = [None] + [tier for tier, suffix in known if f'input_cost_per_token_{suffix}' in info]
            for usage in USAGES:
                if 'cache_write_1h_tokens' in usage and 'cache_creation_input_token_cost_above_1hr' not in info:
                    continue
                if 'cache_write_tokens' in usage and 'cache_creation_input_token_cost' not in info:
                    continue
                if 'input_audio_tokens' in usage and 'input_cost_per_audio_token' not in info:
                    continue
                for tier in tiers:
                    left = by_genai(genai, model, usage, tier)
                    right = None if left is None else by_litellm(litellms.removesuffix('_converse'), key, usage, tier)
                    # Zero is what either says when it has no price for a class.
                    if left and right and abs(float(left) - right) <= 1e-9:
                        full = usage | ({'service_tier': tier} if tier else {})
                        yield 'tier' if tier else 'plain', ours, model, AT, full, left


def dated():
    """Prices of genai-prices at the second before and at each turn of the past."""
    ours = {genai: name for genai, _, name in PROVIDERS}
    for provider in genai_providers:
        for model in provider.models:
            if provider.id not in ours or not isinstance(model.prices, list):
                continue
            for entry in model.prices:
                start = getattr(entry.constraint, 'start_date', None)
                if start is None:
                    continue
                turn = datetime.datetime.combine(start, datetime.time(), datetime.timezone.utc)
                for at in (turn - datetime.timedelta(seconds=1), turn):
                    cost = by_genai(provider.id, model.id, USAGES[1], at=at) if at < AT else None
                    if cost:
                        yield 'dated', ours[provider.id], model.id, at, USAGES[1], cost


def main(cases, price_map):
    with open(cases, 'w') as file:
        for make in (agreed, dated):
            for kind, provider, model, at, usage, usd in make():
                case = {'kind': kind, 'provider': provider, 'model': model, 'at': at.isoformat(), 'usage': usage, 'usd': str(usd)}
                file.write(json.dumps(case) + '\n')
    published = Path(litellm.__file__).with_name('model_prices_and_context_window_backup.json')
    Path(price_map).write_text(' '.join(published.read_text().splitlines()) + '\n')


main(*sys.argv[1:])
