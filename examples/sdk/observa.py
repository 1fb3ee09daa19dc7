"""Sends events to Observa. One file, the standard library alone, Python 3.9 or newer: copy it.

Where OpenTelemetry has an instrumentation for what you call, use that: docs/sdks.md.

    observa = Observa("https://observa.example.com", os.environ.get("OBSERVA_KEY"))

    with observa.span(model="gpt-4o", input=question, route="/chat") as span:      # `async with`, too
        answer = ask(question)
        span.set(output=answer.text, usage=answer.usage)

    @observa.span(tool_name="search")                                              # of async functions, too
    def search(query): ...

It neither raises into the application nor makes it wait: events stand in a bounded queue that a thread of its own sends from,
and what finds no room is counted and told of. Secrets are removed by the server. The end of the interpreter sends what is left;
os._exit(), signals that nobody handles and the children of multiprocessing don't reach it: call close() there.
"""

from __future__ import annotations

import atexit
import collections
import contextvars
import dataclasses
import datetime
import decimal
import email.utils
import functools
import gzip
import http.client
import inspect
import io
import json
import logging
import os
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
import weakref
from typing import Any, Callable, Optional

__all__ = ["Observa", "Span"]
_log = logging.getLogger("observa")

# A quota's Retry-After is the end of the month: it may be raised before.
LONGEST_WAIT_SECONDS = 300.0
GZIP_FROM_BYTES = 1_000
WARN_EVERY_SECONDS = 60.0
# What a span hands on to those within it.
INHERITED = ("trace_id", "conversation_id", "session_id", "user_id", "route", "version", "environment")

_current: contextvars.ContextVar[Optional["Span"]] = contextvars.ContextVar("observa_span", default=None)


class Observa:
    """A client; one for a process is enough.

    drop: which event goes when max_events or max_bytes of them wait: "oldest" or "newest".
    max_attempts: of a batch that is answered with a 5xx other than 502 to 504; other failures are tried until they end.
    on_drop(reason, count, message): events that will not arrive: queue_full, too_large, not_json, refused (a 4xx), failed (a 5xx
    that does not go away), closed (not sent when close() ended; those that come after it are counted alone).
    on_reject(rejected): a dict with line, code, field, message and the event that the server could not store.
    on_error(message): a try that failed, and will be repeated.
    Callbacks run in the client's thread, or in that of flush() and close(). Without them the logger "observa" is told.
    """

    def __init__(
        self,
        url: Optional[str],
        key: Optional[str],
        *,
        defaults: Optional[dict] = None, headers: Optional[dict] = None,
        max_events: int = 10_000, max_bytes: int = 16 << 20,
        drop: str = "oldest", max_event_bytes: int = 1_000_000,
        batch_events: int = 500, batch_bytes: int = 1_000_000,
        flush_seconds: float = 2.0, timeout_seconds: float = 10.0, exit_seconds: float = 5.0,
        retry_seconds: float = 0.5, retry_max_seconds: float = 30.0, max_attempts: int = 8,
        on_drop: Optional[Callable[[str, int, Optional[str]], Any]] = None,
        on_reject: Optional[Callable[[dict], Any]] = None,
        on_error: Optional[Callable[[str], Any]] = None,
    ):
        self._endpoint = (url or "").rstrip("/") + "/rpc/ingest"
        # A key that was read from a file ends with a line.
        key = (key or "").strip()
        self._usable = bool(key) and (url or "").startswith(("http://", "https://"))
        # Not x-ndjson, so that it reaches PostgREST without nginx, too.
        self._headers = {"Content-Type": "application/octet-stream", "x-api-key": key, **(headers or {})}
        self._defaults = dict(defaults or {})
        self._max_events, self._max_bytes, self._drop_newest = max_events, max_bytes, drop == "newest"
        self._max_event_bytes = min(max_event_bytes, max_bytes)
        self._batch_events, self._batch_bytes = batch_events, batch_bytes
        self._flush_seconds, self._timeout, self._exit_seconds = flush_seconds, timeout_seconds, exit_seconds
        self._retry_seconds, self._retry_max_seconds, self._max_attempts = retry_seconds, retry_max_seconds, max_attempts
        self._on_drop, self._on_reject, self._on_error = on_drop, on_reject, on_error
        self._opener = urllib.request.build_opener(_NoRedirect, *_HANDLERS)
        self._begin()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_begin_again, weakref.ref(self)))

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._queue: collections.deque = collections.deque()
        # Of what waits and what is under way.
        self._events = self._bytes = 0
        self._oldest_at = 0.0
        # How many flushes wait, and how often one came: that ends a pause.
        self._urgent = self._nudges = 0
        # How many threads are telling of drops.
        self._telling = 0
        self._closed = self._gone = False
        self._thread: Optional[threading.Thread] = None
        self._drops: dict = {}
        self._counts = {"stored": 0, "rejected": 0, "dropped": 0}
        self._warned_at = float("-inf")

    # What the application calls.

    def track(self, event: Optional[dict] = None, **fields: Any) -> Optional[str]:
        """Queues an event; its event_id, by which a retry is told from a second event."""
        try:
            whole = {"event_id": str(uuid.uuid4()), "timestamp": _now(), **self._defaults, **(event or {}), **fields}
            # Lone surrogates have no UTF-8.
            line = _json(whole).encode("utf-8", "replace")
            event_id = str(whole["event_id"])
        except Exception as error:  # A value's own methods may raise anything.
            self._dropped("not_json", 1, _message_of(error))
            return None
        try:
            self._enqueue(line)
        except Exception as error:
            _log.debug("observa: %r", error)
        return event_id

    def span(self, **fields: Any) -> "Span":
        """Measures what is within it, and tracks how long it took and whether it failed; what is raised goes on as it was.

        A context manager and a decorator, of what is async, too; not of generators. Spans within it become its children.
        """
        return Span(self, fields)

    def trace(self, name: str, **fields: Any) -> "Span":
        """As span(), with trace_start and trace_end."""
        return Span(self, {**fields, "event_type": "trace_end", "name": name})

    def flush(self, timeout: float = 10.0) -> bool:
        """Sends what is queued; False: not all within the time."""
        if threading.current_thread() is self._thread:
            return False
        with self._changed:
            self._urgent += 1
            self._nudges += 1
            self._start()
            self._changed.notify_all()
            # Without a thread nobody sends: the interpreter ends, and the first event came only then.
            sent = self._changed.wait_for(lambda: self._events == 0, timeout if self._thread else 0)
            self._urgent -= 1
        self._report()
        with self._changed:
            # Else the process may end before the thread has told what it took.
            self._changed.wait_for(lambda: self._telling == 0, 1.0)
        return sent

    def close(self, timeout: Optional[float] = None) -> bool:
        """The last flush. What is not sent by its end is dropped."""
        with self._changed:
            self._closed = True
        sent = self.flush(self._exit_seconds if timeout is None else timeout)
        with self._changed:
            self._gone = True
            left = self._events
            self._queue.clear()
            self._events = self._bytes = 0
            self._changed.notify_all()
        self._dropped("closed", left, "not sent in time")
        self._report()
        atexit.unregister(self.close)
        return sent

    def stats(self) -> dict:
        """queued, stored (by this or an earlier try), rejected and dropped, in events."""
        with self._changed:
            return {"queued": self._events, **self._counts}

    # The queue.

    def _enqueue(self, line: bytes) -> None:
        size = len(line)
        if size > self._max_event_bytes:
            return self._dropped("too_large", 1, f"{size} bytes")
        full = 0
        with self._changed:
            if self._closed:
                fits = False
            else:
                while self._events >= self._max_events or self._bytes + size > self._max_bytes:
                    full += 1
                    # What is under way can't be taken back.
                    if self._drop_newest or not self._queue:
                        break
                    self._settle([self._queue.popleft()])
                fits = self._events < self._max_events and self._bytes + size <= self._max_bytes
            if fits:
                if not self._queue:
                    self._oldest_at = time.monotonic()
                self._queue.append(line)
                self._events += 1
                self._bytes += size
                self._start()
                if len(self._queue) in (1, self._batch_events) or self._bytes >= self._batch_bytes:
                    self._changed.notify_all()
            closed = self._closed
        self._dropped("closed" if closed else "queue_full", 1 if closed else full)

    def _settle(self, lines: list) -> None:
        """They wait no more, whatever became of them."""
        self._events -= len(lines)
        self._bytes -= sum(map(len, lines))

    def _start(self) -> None:
        if self._gone or (self._thread is not None and self._thread.is_alive()):
            return
        thread = threading.Thread(target=self._run, name="observa", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # The interpreter ends, or there are too many: the next event tries again.
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._drops or self._gone)
                due = self._oldest_at + self._flush_seconds
                while self._queue and not (self._is_full() or self._urgent or self._gone or time.monotonic() >= due):
                    self._changed.wait(due - time.monotonic())
                batch = self._take()
                if self._gone:
                    return
            try:
                if batch:
                    self._deliver(batch)
            except Exception as error:  # Never silent, and never the thread's end.
                self._dropped("failed", len(batch), _message_of(error))
            with self._changed:
                if not self._gone:
                    self._settle(batch)
                self._changed.notify_all()
            self._report()

    def _is_full(self) -> bool:
        return len(self._queue) >= self._batch_events or self._bytes >= self._batch_bytes

    def _take(self) -> list:
        batch, size = [], 0
        while self._queue and len(batch) < self._batch_events and (not batch or size + len(self._queue[0]) <= self._batch_bytes):
            size += len(self._queue[0]) + 1
            batch.append(self._queue.popleft())
        return batch

    # The way to the server.

    def _deliver(self, batch: list) -> None:
        """Tries until the batch is stored, refused, or given up."""
        failures = attempt = 0
        while True:
            nudges = self._nudges
            status, wait, message, answer = self._post(batch)
            if self._gone:
                return  # Counted as dropped by then, although it may have arrived.
            if answer is not None:
                return self._stored(batch, answer)
            if status is not None and status not in (408, 429) and status < 500:
                return self._dropped("refused", len(batch), message)
            self._call(self._on_error, message)
            failures += status is not None and status >= 500 and not 502 <= status <= 504
            if failures >= self._max_attempts:
                return self._dropped("failed", len(batch), message)
            backoff = min(self._retry_max_seconds, self._retry_seconds * 2 ** min(attempt, 20))
            attempt += 1
            with self._changed:
                # Between half and all of it, so that clients that failed together do not come back together. A flush ends
                # it, but not a wait that the server has asked for, which may be 0, or a date that is past by this clock.
                ended = (lambda: self._gone) if wait is not None else (lambda: self._gone or self._nudges != nudges)
                self._changed.wait_for(ended, max(backoff * random.uniform(0.5, 1), wait or 0.0))
                if self._gone:
                    return
            self._report()

    def _post(self, batch: list) -> tuple:
        """(status, seconds to wait, message, answer): no status where there was no answer of HTTP's."""
        if not self._usable:
            return 400, None, "url or key is missing", None
        body, headers = b"\n".join(batch), self._headers
        if len(body) >= GZIP_FROM_BYTES:
            body, headers = gzip.compress(body, 5), {**headers, "Content-Encoding": "gzip"}
        request = urllib.request.Request(self._endpoint, data=body, headers=headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                answer = _parsed(response.read())
                if isinstance(answer.get("accepted"), int):
                    return response.status, None, "", answer
                # A login page, say: nothing is stored there.
                return 400, None, f"{response.status}, but no answer of Observa's: is the url right?", None
        except urllib.error.HTTPError as error:
            with error:
                try:
                    said = _parsed(error.read())
                except (OSError, http.client.HTTPException):
                    said = {}
            told = f"{error.code} {said.get('code', '')}: {said['message']}" if said.get("message") else str(error.code)
            return error.code, _wait_of(error.headers.get("Retry-After")), told, None
        except (ValueError, http.client.InvalidURL):  # It quotes what can't be sent: a key, say. Another try is the same.
            return 400, None, "url, key or a header can't be sent", None
        except (OSError, http.client.HTTPException) as error:
            return None, None, _message_of(error), None

    def _stored(self, batch: list, answer: dict) -> None:
        rejected = int(answer.get("rejected") or 0)
        with self._changed:
            self._counts["stored"] += len(batch) - rejected
            self._counts["rejected"] += rejected
        for error in answer.get("errors") or []:
            number = int(error.get("line", 0)) - 1
            event = json.loads(batch[number]) if 0 <= number < len(batch) else None
            if self._on_reject:
                self._call(self._on_reject, {**error, "event": event})
            else:
                self._warn(f"the server rejected an event: {error.get('message')}")

    # What is told.

    def _dropped(self, reason: str, count: int, message: Optional[str] = None) -> None:
        if count == 0:
            return
        with self._changed:
            self._counts["dropped"] += count
            before, said = self._drops.get(reason, (0, None))
            self._drops[reason] = (before + count, message or said)
            self._start()
            if before == 0:
                self._changed.notify_all()

    def _report(self) -> None:
        """One call for all drops of a reason since the last."""
        with self._changed:
            drops, self._drops = self._drops, {}
            self._telling += 1
        for reason, (count, message) in drops.items():
            if self._on_drop:
                self._call(self._on_drop, reason, count, message)
            else:
                self._warn(f"{count} events dropped: {reason}{', ' + message if message else ''}")
        with self._changed:
            self._telling -= 1
            self._changed.notify_all()

    def _warn(self, message: str) -> None:
        if time.monotonic() - self._warned_at >= WARN_EVERY_SECONDS:
            self._warned_at = time.monotonic()
            _log.warning("observa: %s", message)

    def _call(self, callback: Optional[Callable], *arguments: Any) -> None:
        try:
            if callback:
                callback(*arguments)
        except Exception as error:  # The application's, in our thread.
            self._warn(f"a callback raised {_message_of(error)}")


class Span:
    """A call under way. As a decorator it is a pattern: each call has a span of its own."""

    def __init__(self, client: Observa, fields: dict):
        self._client, self._given = client, fields
        self.fields: dict = dict(fields)
        self._token: Optional[contextvars.Token] = None
        self._ended = False
        self._begun, self._started_at = time.perf_counter(), _now()

    @property
    def trace_id(self) -> Optional[str]:
        return self.fields.get("trace_id")

    @property
    def span_id(self) -> Optional[str]:
        return self.fields.get("span_id")

    def start(self, within: Optional["Span"] = None) -> "Span":
        """Begins it by hand; end() ends it. within: the span that it belongs to, if not the one around."""
        parent = within or _current.get()
        if parent is not None:
            self.fields = {**parent.context(), "parent_span_id": parent.span_id, **self.fields}
        self.fields.setdefault("trace_id", uuid.uuid4().hex)
        self.fields.setdefault("span_id", uuid.uuid4().hex[:16])
        self._begun, self._started_at = time.perf_counter(), _now()
        if self.fields.get("event_type") == "trace_end":
            self._client.track({**self.fields, "event_type": "trace_start"})
        return self

    def set(self, **fields: Any) -> "Span":
        """What is known later: output, usage, tokens, finish_reason."""
        self.fields.update(fields)
        return self

    def first_token(self) -> "Span":
        """When a stream's first token came."""
        self.fields.setdefault("time_to_first_token_ms", self._elapsed())
        return self

    def track(self, event: Optional[dict] = None, **fields: Any) -> Optional[str]:
        """An event within it that takes no time: feedback, say."""
        return self._client.track({**self.context(), "parent_span_id": self.span_id, **(event or {})}, **fields)

    def context(self) -> dict:
        return {name: self.fields[name] for name in INHERITED if self.fields.get(name) is not None}

    def end(self, error: Optional[BaseException] = None) -> None:
        """Once; with what was raised, if anything was."""
        if self._ended:
            return
        self._ended = True
        named = "llm_call" if "model" in self.fields else "tool_call" if "tool_name" in self.fields else "reasoning_step"
        event = {"event_type": named, "timestamp": self._started_at, **self.fields}
        if event["event_type"] == "trace_end":
            event["timestamp"] = _now()
            event.setdefault("total_latency_ms", self._elapsed())
            event.setdefault("outcome", "success" if error is None else "error")
        else:
            event.setdefault("latency_ms", self._elapsed())
            event.setdefault("status", "ok" if error is None else "error")
            if event["event_type"] == "tool_call":
                event.setdefault("result_status", "success" if error is None else "error")
        if error is not None:
            event.setdefault("error_type", type(error).__name__)
            event.setdefault("error_message", _message_of(error))
        self._client.track(event)

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self._begun) * 1_000, 3)

    def __enter__(self) -> "Span":
        self.start()
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], traceback: Any) -> bool:
        if self._token is not None:
            try:
                _current.reset(self._token)
            except (ValueError, RuntimeError):  # A generator that another task has ended; a span that was entered twice.
                pass
        self.end(error)
        return False

    async def __aenter__(self) -> "Span":
        return self.__enter__()

    async def __aexit__(self, kind: Any, error: Optional[BaseException], traceback: Any) -> bool:
        return self.__exit__(kind, error, traceback)

    def __call__(self, function: Callable) -> Callable:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*arguments: Any, **named: Any) -> Any:
                with Span(self._client, self._given):
                    return await function(*arguments, **named)

            return awaited

        @functools.wraps(function)
        def called(*arguments: Any, **named: Any) -> Any:
            with Span(self._client, self._given):
                return function(*arguments, **named)

        return called


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, whose 200 stores nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Timed(io.RawIOBase):
    """A socket, or its file: what is left of a request's time is each operation's timeout, however little a server sends at a time."""

    def __init__(self, sock: Any, ends: float, file: Any = None):
        self._sock, self._ends, self._file = sock, ends, file

    def _in_time(self, of: Any) -> Any:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._sock.settimeout(left)
        return of

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._in_time(self._sock).send(rest):]

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self._sock, self._ends, self._sock.makefile("rb", buffering=0)))

    def readable(self) -> bool:
        return self._file is not None

    def readinto(self, buffer: Any) -> Optional[int]:
        return self._in_time(self._file).readinto(buffer)

    def close(self) -> None:
        (self._file or self._sock).close()
        super().close()


class _TimedHandler:
    def do_open(self, connection: Any, request: Any, **arguments: Any) -> Any:
        class Connection(connection):
            def connect(self) -> None:
                ends = time.monotonic() + self.timeout
                super().connect()
                self.sock = _Timed(self.sock, ends)
        return super().do_open(Connection, request, **arguments)


# Without the module ssl there is none for https.
_KINDS = [getattr(urllib.request, name) for name in ("HTTPHandler", "HTTPSHandler") if hasattr(urllib.request, name)]
_HANDLERS = [type(kind.__name__, (_TimedHandler, kind), {}) for kind in _KINDS]


def _begin_again(client: "weakref.ref[Observa]") -> None:
    """After a fork: the thread stays with the parent, and what waits there is the parent's to send."""
    found = client()
    if found is not None:
        found._begin()


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def _json(event: dict) -> str:
    try:
        return json.dumps(event, default=_plain, ensure_ascii=False, allow_nan=False)
    except ValueError:  # One NaN is no reason to lose the others; a cycle fails again.
        known = json.loads(json.dumps(event, default=_plain), parse_constant=lambda _: None)
        return json.dumps(known, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone().isoformat()
    if isinstance(value, (set, frozenset)):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    for name in ("model_dump", "to_dict"):  # pydantic's, and what SDKs of providers answer with: their usage, say.
        method = getattr(value, name, None)
        found = method() if callable(method) and not isinstance(value, type) else None
        if isinstance(found, dict):
            return found
    return str(value)


def _message_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # Its own __str__ raised.
        return type(error).__name__


def _wait_of(retry_after: Optional[str]) -> Optional[float]:
    """Seconds or a date."""
    try:
        if not retry_after:
            return None
        if retry_after.strip().isdigit():
            seconds = float(retry_after)
        else:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
    except (TypeError, ValueError):
        return None


def _parsed(body: bytes) -> dict:
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}
