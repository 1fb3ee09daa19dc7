"""examples/sdk/observa.py: the scene that the argument names, with a report of it as the last thing printed."""

import asyncio
import atexit
import dataclasses
import json
import os
import sys
import time
import unittest.mock

from observa import Observa

begun = time.monotonic()
report = {"drops": {}, "rejects": [], "errors": 0, "said": []}
observa = None


def on_drop(reason, count, message):
    report["said"].append(f"{reason} {message}")
    report["drops"][reason] = report["drops"].get(reason, 0) + count
    raise RuntimeError("of the callback")


def on_reject(rejected):
    event_id = rejected["event"]["event_id"]
    report["rejects"].append({**{name: rejected[name] for name in ("line", "code", "field")}, "event_id": event_id})


def on_error(message):
    report["said"].append(message)
    report["errors"] += 1


# Before the client: what is registered first runs last.
@atexit.register
def tell():
    print(json.dumps({**report, "ended_ms": (time.monotonic() - begun) * 1000, "stats": observa.stats()}), flush=True)


def client(key=os.environ["OBSERVA_KEY"], **options):
    usual = dict(defaults={"version": "1.2"}, flush_seconds=0.1, retry_seconds=0.02, timeout_seconds=1, exit_seconds=20)
    return Observa(os.environ["OBSERVA_URL"], key, on_drop=on_drop, on_reject=on_reject, on_error=on_error, **{**usual, **options})


def call(number, **more):
    return {"model": "test-model-x", "input": f"question {number}", "latency_ms": 5, **more}


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def unsteady():
    global observa
    observa = client(batch_events=10)
    for number in range(40):
        observa.track(call(number))


def exit():
    global observa
    observa = client(flush_seconds=60)
    for number in range(3):
        observa.track(call(number))


def down():
    global observa
    observa = client(max_events=1000, max_bytes=1 << 20, exit_seconds=0.5)
    output, before, slowest = "x" * 2000, resident(), 0.0
    for number in range(100_000):
        since = time.perf_counter()
        observa.track(call(number, output=output))
        slowest = max(slowest, time.perf_counter() - since)
    report.update(slowest_ms=slowest * 1000, grown_bytes=resident() - before, queued=observa.stats()["queued"])
    report["flushed"] = observa.flush(0.1)


def bad():
    global observa
    observa = client()
    observa.track(call(1))
    observa.track(call(2, event_id="bad", latency_ms="soon"))
    observa.track(call(3))
    cycle = call(4)
    cycle["self"] = cycle
    observa.track(cycle)
    observa.track(call(5, output="x" * 1_000_001))


def many():
    global observa
    observa = client(timeout_seconds=10)
    since = time.monotonic()
    for number in range(10_000):
        observa.track(call(number))
    report["queueing_ms"] = (time.monotonic() - since) * 1000
    report["flushed"] = observa.flush(60)
    report["sending_ms"] = (time.monotonic() - since) * 1000


def full():
    global observa
    for drop in ("oldest", "newest"):
        observa = client(drop=drop, max_events=3, flush_seconds=60)
        for number in range(5):
            observa.track(call(number, session_id=drop))
        observa.close()


def refused():
    global observa
    observa = client(key="sk_none")
    for number in range(3):
        observa.track(call(number))
    report["flushed"] = observa.flush(20)


def malformed():
    global observa
    observa = client()
    for number in range(3):
        observa.track(call(number))
    report["flushed"] = observa.flush(20)


def patient():
    malformed()


def models():
    global observa
    observa = client()

    @dataclasses.dataclass
    class Usage:
        input_tokens: int
        output_tokens: int

    class Model:
        def model_dump(self):
            return {"input_tokens": 6, "output_tokens": 8}

    class Other:
        def to_dict(self):
            return {"input_tokens": 7, "output_tokens": 9}

    for usage in (Usage(5, 7), Model(), Other()):
        observa.track(call(1, model="counted", usage=usage))
    # A mock has any method, and no members.
    observa.track(call(4, extra=unittest.mock.MagicMock()))
    observa.track(call(5, model="not-a-number", score=float("nan"), coherence_score=0.5))
    report["raised"] = False
    span = observa.span(model="entered-twice")
    try:
        with span:
            with span:
                pass
    except RuntimeError:
        report["raised"] = True


def throws():
    global observa
    observa = client()

    class Declined(Exception):
        pass

    thrown = [Declined("no sk-proj-Tb2mYq8LrXw5VzKd9NfPc4Hs"), ValueError("a text"), KeyboardInterrupt()]
    report["same"] = same = []

    @observa.span(tool_name="sync")
    def sync():
        raise thrown[0]

    @observa.span(model="async")
    async def asynchronous():
        await asyncio.sleep(0)
        raise thrown[1]

    async def handle():
        with observa.trace("handle request", session_id="session-7", user_id="user-7") as trace:
            try:
                sync()
            except Declined as error:
                same.append(error is thrown[0])
            try:
                await asynchronous()
            except ValueError as error:
                same.append(error is thrown[1])
            try:
                with observa.span(name="undefined"):
                    raise thrown[2]
            except KeyboardInterrupt as error:
                same.append(error is thrown[2])
            with observa.span(model="plain") as span:
                span.set(output="said").track(event_type="feedback", type="like")
            same.append(span.fields["output"] == "said")

            async with observa.span(model="slow") as span:
                span.first_token()
                await asyncio.sleep(0.06)
            same.append(span.trace_id == trace.trace_id)

    asyncio.run(handle())


def fork():
    """As servers do that fork after they have loaded the application, with the client's thread in the parent."""
    global observa
    observa = client(flush_seconds=60)
    observa.track(call(0))
    child = os.fork()
    if child == 0:
        observa.track(call(1))
        os._exit(0 if observa.flush(20) and observa.stats()["stored"] == 1 else 1)
    report["child"] = os.waitpid(child, 0)[1]


globals()[sys.argv[1]]()
