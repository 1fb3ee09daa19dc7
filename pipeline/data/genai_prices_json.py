"""Writes the data of the installed genai-prices package as the JSON that its repository publishes.

    pip install genai-prices && python pipeline/data/genai_prices_json.py > genai.json

Decimals are written digit by digit, never through a float.
"""

import datetime
import json
from decimal import Decimal

from genai_prices import types
from genai_prices.data import providers

CLAUSES = {
    types.ClauseEquals: 'equals',
    types.ClauseStartsWith: 'starts_with',
    types.ClauseEndsWith: 'ends_with',
    types.ClauseContains: 'contains',
    types.ClauseRegex: 'regex',
}


def clause(match):
    if isinstance(match, types.ClauseOr):
        return {'or': [clause(inner) for inner in match.or_]}
    if isinstance(match, types.ClauseAnd):
        return {'and': [clause(inner) for inner in match.and_]}
    key = CLAUSES[type(match)]
    return {key: getattr(match, key)}


def prices(model_price):
    def price(value):
        if isinstance(value, types.TieredPrices):
            tiers = [{'start': tier.start, 'price': tier.price} for tier in value.tiers]
            return {'base': value.base, 'tiers': tiers}
        return value

    return {key: price(value) for key, value in vars(model_price).items() if value is not None}


def constraint(limit):
    if limit is None:
        return {}
    if isinstance(limit, types.StartDateConstraint):
        return {'constraint': {'start_date': limit.start_date.isoformat()}}

    def clock(time):
        if time.tzinfo is not None:
            time = datetime.datetime.combine(datetime.date(1970, 1, 1), time)
            time = time.astimezone(datetime.timezone.utc).time()
        return time.strftime('%H:%M:%SZ')

    return {'constraint': {'start_time': clock(limit.start_time), 'end_time': clock(limit.end_time)}}


def model(info):
    known = {'id': info.id, 'match': clause(info.match)}
    if info.context_window:
        known['context_window'] = info.context_window
    if isinstance(info.prices, list):
        known['prices'] = [constraint(entry.constraint) | {'prices': prices(entry.prices)} for entry in info.prices]
    else:
        known['prices'] = prices(info.prices)
    if info.price_variants:
        known['price_variants'] = [
            {'when': variant.when} | constraint(variant.constraint) | {'prices': prices(variant.prices)}
            for variant in info.price_variants
        ]
    return known


def text(value):
    if isinstance(value, dict):
        return '{' + ','.join(f'{json.dumps(key)}:{text(inner)}' for key, inner in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ','.join(text(inner) for inner in value) + ']'
    if isinstance(value, Decimal):
        return format(value, 'f')
    return json.dumps(value)


print(text([{'id': provider.id, 'models': [model(info) for info in provider.models]} for provider in providers]))
