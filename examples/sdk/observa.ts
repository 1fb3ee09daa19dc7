// Sends events to Observa. One file without dependencies: copy it. For Node 18 or newer, browsers (with a `pk_` key) and edge
// runtimes; what strips types alone (Node 22.18, Deno, Bun) runs it as it is. Where OpenTelemetry has an instrumentation for what you call, use that: docs/sdks.md.
//
//   const observa = new Observa({ url: "https://observa.example.com", key: process.env.OBSERVA_KEY });
//   const answer = await observa.span({ model: "gpt-4o", input: question, route: "/chat" }, async (span) => {
//     const answer = await ask(question);
//     span.set({ output: answer.text, usage: answer.usage });
//     return answer;
//   });
//
// It neither throws into the application nor makes it wait: events stand in a bounded queue, and what finds no room is counted and
// told of. Secrets are removed by the server. What a process ends by process.exit() or a signal is lost, unless
// `await observa.close()` comes first; on the edge, `context.waitUntil(observa.flush())`.

/** As docs/events.md says: flat, or with `attributes`. */
export type Event = Record<string, unknown>;

export type Reason =
  | "queue_full" // the server is too slow or away
  | "too_large" // one event over maxEventBytes
  | "not_json" // a cycle, say
  | "refused" // a 4xx: a key that does not count, say
  | "failed" // a 5xx that does not go away
  | "closed"; // after close(), or not sent by its end

/** Events that will not arrive. */
export interface Dropped {
  reason: Reason;
  count: number;
  message?: string;
}

/** An event that the server could not store: docs/events.md lists the codes. */
export interface Rejected {
  line: number;
  code: string;
  field: string | null;
  message: string;
  event?: Event;
}

export interface Options {
  /** Of nginx or PostgREST, without a path. */
  url: string | undefined;
  key: string | undefined;
  /** In every event that does not say otherwise: environment, version, route. */
  defaults?: Event;
  /** Beside `x-api-key`. */
  headers?: Record<string, string>;
  /** What waits or is under way, at most. */
  maxEvents?: number;
  maxBytes?: number;
  /** Which event goes when the queue is full. */
  drop?: "oldest" | "newest";
  /** The server's own limit of a line is 1 MB. */
  maxEventBytes?: number;
  batchEvents?: number;
  batchBytes?: number;
  /** How long an event waits for others. */
  flushMs?: number;
  /** Of one request. */
  timeoutMs?: number;
  /** How long the end of the process may be held up, beside a request that is under way. */
  exitMs?: number;
  /** Before the second try; twice as long before each that follows, up to retryMaxMs. */
  retryMs?: number;
  retryMaxMs?: number;
  /** Of a batch that is answered with a 5xx other than 502 to 504. */
  maxAttempts?: number;
  /** Instead of a warning on the console. Never called from within track(). */
  onDrop?: (dropped: Dropped) => void;
  onReject?: (rejected: Rejected) => void;
  /** A try that failed, and will be repeated. */
  onError?: (message: string) => void;
}

export interface Stats {
  queued: number;
  /** Stored, by this or an earlier try. */
  stored: number;
  rejected: number;
  dropped: number;
}

interface Line {
  text: string;
  bytes: number;
}

type Outcome =
  | { is: "stored"; rejected: number; errors: Rejected[] }
  | { is: "again"; message: string; afterMs?: number; counts: boolean }
  | { is: "refused"; message: string };

// A quota's Retry-After is the end of the month: it may be raised before.
const LONGEST_WAIT_MS = 300_000;
// Browsers let what outlives a page have 64 kB in all.
const KEEPALIVE_BYTES = 60_000;
const GZIP_FROM_BYTES = 1_000;
const REPORT_EVERY_MS = 1_000;
const WARN_EVERY_MS = 60_000;
/** What a span hands on to those below it. */
const INHERITED = ["trace_id", "conversation_id", "session_id", "user_id", "route", "version", "environment"];

const DEFAULTS = {
  maxEvents: 10_000,
  maxBytes: 16 << 20,
  maxEventBytes: 1_000_000,
  batchEvents: 500,
  batchBytes: 1_000_000,
  flushMs: 2_000,
  timeoutMs: 10_000,
  exitMs: 5_000,
  retryMs: 500,
  retryMaxMs: 30_000,
  maxAttempts: 8,
};

export class Observa {
  private readonly options: Options & typeof DEFAULTS;
  private readonly endpoint: string;
  private queue: Line[] = [];
  private head = 0;
  /** Of what waits and what is under way. */
  private events = 0;
  private bytes = 0;
  private running = false;
  private closed = false;
  private timer: unknown;
  private reporting: unknown;
  private waiters: (() => void)[] = [];
  /** Ends the wait before the next try: `wake` only one that the server has not asked for. */
  private stop: (() => void) | undefined;
  private wake: (() => void) | undefined;
  /** How often what was under way has been given up. */
  private ends = 0;
  private request: AbortController | undefined;
  private readonly drops = new Map<Reason, Dropped>();
  private readonly counts = { stored: 0, rejected: 0, dropped: 0 };
  private readonly forget: (() => void)[] = [];
  private warnedAt = -Infinity;

  constructor(options: Options) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    this.options = { ...DEFAULTS, ...(given as unknown as Options) };
    this.endpoint = `${String(options.url ?? "").replace(/\/+$/, "")}/rpc/ingest`;
    this.atExit();
  }

  /** Queues an event; its event_id, by which a retry is told from a second event. */
  track(event: Event): string | undefined {
    try {
      const whole: Event = { event_id: uuid(), timestamp: new Date().toISOString(), ...this.options.defaults, ...event };
      const text = stringify(whole);
      this.enqueue(text, new TextEncoder().encode(text).length);
      return String(whole.event_id);
    } catch (error) {
      this.dropped("not_json", 1, messageOf(error));
      return undefined;
    }
  }

  /** A span to end by hand: a stream's, say. */
  start(fields: Event, parent?: Span): Span {
    return new Span(this, fields, parent);
  }

  /** Runs it, and tracks how long it took and whether it failed. What it returns or throws is the caller's, unchanged. */
  span<T>(fields: Event, run: (span: Span) => T, parent?: Span): T {
    return around(this.start(fields, parent), run);
  }

  /** As span(), with trace_start and trace_end: spans within it are its own by `span.span(...)`. */
  trace<T>(name: string, run: (span: Span) => T, fields: Event = {}): T {
    const span = this.start({ ...fields, event_type: "trace_end", name });
    this.track({ ...span.context(), ...fields, event_type: "trace_start", name, span_id: span.spanId });
    return around(span, run);
  }

  /** Sends what is queued; false: not all within the time. */
  async flush(timeoutMs = 10_000): Promise<boolean> {
    if (this.events === 0) return true;
    this.wake?.();
    let timer: unknown;
    const over = new Promise<boolean>((resolve) => { timer = setTimeout(() => resolve(false), timeoutMs); });
    const done = new Promise<boolean>((resolve) => { this.waiters.push(() => resolve(true)); });
    void this.run();
    const sent = await Promise.race([done, over]);
    clearTimeout(timer as number);
    this.report();
    return sent;
  }

  /** The last flush. What is not sent by its end is dropped. */
  async close(timeoutMs = this.options.exitMs): Promise<boolean> {
    this.closed = true;
    const sent = await this.flush(timeoutMs);
    if (!sent) this.abandon();
    for (const forget of this.forget.splice(0)) forget();
    this.report();
    return sent;
  }

  stats(): Stats {
    return { queued: this.events, ...this.counts };
  }

  private enqueue(text: string, bytes: number): void {
    const { maxEvents, maxBytes, maxEventBytes, drop, batchEvents, batchBytes, flushMs } = this.options;
    if (this.closed) return this.dropped("closed", 1);
    if (bytes > Math.min(maxEventBytes, maxBytes)) return this.dropped("too_large", 1, `${bytes} bytes`);
    while (this.events + 1 > maxEvents || this.bytes + bytes > maxBytes) {
      const oldest = drop === "newest" ? undefined : this.shift();
      this.dropped("queue_full", 1);
      // What is under way can't be taken back.
      if (!oldest) return;
      this.settle([oldest]);
    }
    this.queue.push({ text, bytes });
    this.events += 1;
    this.bytes += bytes;
    if (this.running) return;
    const full = this.queue.length - this.head >= batchEvents || this.bytes >= batchBytes;
    if (full) {
      clearTimeout(this.timer as number);
      this.timer = quietly(() => void this.run(), 0);
    } else if (this.timer === undefined) {
      this.timer = quietly(() => void this.run(), flushMs);
    }
  }

  /** The oldest that waits. An array's own shift() moves all others. */
  private shift(): Line | undefined {
    const line = this.queue[this.head];
    if (!line) return undefined;
    this.queue[this.head] = undefined as unknown as Line;
    this.head += 1;
    if (this.head > 1_000 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    return line;
  }

  private take(maxBytes: number): Line[] {
    const lines: Line[] = [];
    let bytes = 0;
    for (let next = this.queue[this.head]; next; next = this.queue[this.head]) {
      if (lines.length >= this.options.batchEvents || (lines.length > 0 && bytes + next.bytes > maxBytes)) break;
      bytes += next.bytes + 1;
      lines.push(next);
      this.shift();
    }
    return lines;
  }

  /** They wait no more, whatever became of them. */
  private settle(lines: Line[]): void {
    this.events -= lines.length;
    for (const line of lines) this.bytes -= line.bytes;
    if (this.events === 0) for (const waiter of this.waiters.splice(0)) waiter();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    clearTimeout(this.timer as number);
    this.timer = undefined;
    try {
      for (let batch = this.take(this.options.batchBytes); batch.length > 0; batch = this.take(this.options.batchBytes)) {
        await this.deliver(batch);
        this.settle(batch);
      }
    } finally {
      this.running = false;
      if (this.events > 0 && this.timer === undefined) this.timer = quietly(() => void this.run(), this.options.flushMs);
    }
  }

  /** Tries until the batch is stored, refused, or given up. */
  private async deliver(batch: Line[]): Promise<void> {
    const { retryMs, retryMaxMs, maxAttempts } = this.options;
    const ends = this.ends;
    let failures = 0;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.post(batch, false);
      // Counted as dropped by then, although it may have arrived.
      if (this.ends !== ends) return;
      if (outcome.is !== "again") return this.conclude(batch, outcome);
      this.tell(this.options.onError, outcome.message);
      if (outcome.counts) failures += 1;
      if (failures >= maxAttempts) return this.dropped("failed", batch.length, outcome.message);
      // From a half on, so that clients that failed together do not come back together. A server may ask for 0, or a time that is past here.
      const backoff = Math.min(retryMaxMs, retryMs * 2 ** Math.min(attempt, 20)) * (0.5 + Math.random() / 2);
      await this.pause(Math.max(outcome.afterMs ?? 0, backoff), outcome.afterMs === undefined);
      if (this.ends !== ends) return;
    }
  }

  private conclude(batch: Line[], outcome: Exclude<Outcome, { is: "again" }>): void {
    if (outcome.is === "refused") return this.dropped("refused", batch.length, outcome.message);
    this.counts.stored += batch.length - outcome.rejected;
    this.counts.rejected += outcome.rejected;
    for (const error of outcome.errors) {
      const line = batch[error.line - 1];
      const rejected: Rejected = { ...error, event: line && (JSON.parse(line.text) as Event) };
      if (this.options.onReject) this.tell(this.options.onReject, rejected);
      else this.warn(`the server rejected an event: ${error.message}`);
    }
  }

  private async post(batch: Line[], leaving: boolean): Promise<Outcome> {
    const { url, headers, timeoutMs } = this.options;
    const key = this.options.key?.trim(); // Read from a file it ends with a line.
    if (!key || !url) return { is: "refused", message: "url or key is missing" };
    // fetch() would quote the key, or the url's password, and another try is the same.
    try { new Request(this.endpoint, { headers: { "x-api-key": key, ...headers } }); } catch { return { is: "refused", message: "url, key or a header can't be sent" }; }
    const abort = new AbortController();
    const timer = quietly(() => abort.abort(), timeoutMs);
    if (!leaving) this.request = abort;
    try {
      const text = batch.map((line) => line.text).join("\n");
      // A page that is left has no time to pack.
      const packed = leaving ? undefined : await gzip(text);
      const body = packed ?? text;
      const response = await fetch(this.endpoint, {
        method: "POST",
        // Not x-ndjson, so that it reaches PostgREST without nginx, too.
        headers: { "Content-Type": "application/octet-stream", ...(packed && { "Content-Encoding": "gzip" }), "x-api-key": key, ...headers },
        body: body as BodyInit,
        signal: abort.signal,
        // A redirected POST would become a GET, whose 200 stores nothing.
        redirect: "manual",
        ...(inBrowser() && { keepalive: body.length <= KEEPALIVE_BYTES }),
      });
      return outcomeOf(response.status, response.headers.get("retry-after"), await response.text());
    } catch (error) {
      return { is: "again", message: messageOf(error), counts: false };
    } finally {
      clearTimeout(timer as number);
    }
  }

  private pause(ms: number, endsEarly: boolean): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = quietly(resolve, ms);
      this.stop = () => { clearTimeout(timer as number); resolve(); };
      this.wake = endsEarly ? this.stop : undefined;
    }).then(() => { this.wake = this.stop = undefined; });
  }

  /** What waits or is under way is dropped, and the request ended. */
  private abandon(): void {
    const waiting: Line[] = [];
    for (let line = this.shift(); line; line = this.shift()) waiting.push(line);
    this.dropped("closed", this.events, "not sent in time");
    this.ends += 1;
    this.settle(waiting);
    this.request?.abort();
    this.stop?.();
  }

  private dropped(reason: Reason, count: number, message?: string): void {
    if (count === 0) return;
    this.counts.dropped += count;
    const before = this.drops.get(reason)?.count ?? 0;
    this.drops.set(reason, { reason, count: before + count, ...(message !== undefined && { message }) });
    this.reporting ??= quietly(() => this.report(), REPORT_EVERY_MS);
  }

  /** One call for all drops of a reason since the last. */
  private report(): void {
    clearTimeout(this.reporting as number);
    this.reporting = undefined;
    const drops = [...this.drops.values()];
    this.drops.clear();
    for (const one of drops) {
      if (this.options.onDrop) this.tell(this.options.onDrop, one);
      else this.warn(`${one.count} events dropped: ${one.reason}${one.message ? `, ${one.message}` : ""}`);
    }
  }

  /** The application's callbacks may throw, too. */
  private tell<T>(callback: ((value: T) => void) | undefined, value: T): void {
    try { callback?.(value); } catch (error) { this.warn(`a callback threw: ${messageOf(error)}`); }
  }

  private warn(message: string): void {
    if (performance.now() - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = performance.now();
    console.warn(`observa: ${message}`);
  }

  private atExit(): void {
    if (inBrowser()) {
      const leave = () => { if (document.visibilityState === "hidden") void this.leave(); };
      document.addEventListener("visibilitychange", leave);
      this.forget.push(() => document.removeEventListener("visibilitychange", leave));
      return;
    }
    const { process } = globalThis as { process?: { on?: Function; off?: Function } };
    if (!process?.on || !process.off) return;
    // It comes again when what it began has ended: with an empty queue then.
    const end = () => {
      if (this.events > 0) void this.flush(this.options.exitMs).then((sent) => { if (!sent) this.abandon(); this.report(); });
      else this.report();
    };
    process.on("beforeExit", end);
    this.forget.push(() => process.off?.("beforeExit", end));
  }

  /** A page that is hidden may never come back: what waits is sent by requests that outlive it. */
  private async leave(): Promise<void> {
    const batch = this.take(KEEPALIVE_BYTES);
    if (batch.length === 0) return;
    const outcome = await this.post(batch, true);
    if (outcome.is !== "again") {
      this.conclude(batch, outcome);
      return this.settle(batch);
    }
    // The page is still there: in the order that they came.
    this.queue.splice(0, this.head, ...batch);
    this.head = 0;
    void this.run();
  }
}

/** A call under way. */
export class Span {
  readonly traceId: string;
  readonly spanId: string;
  private readonly fields: Event;
  private readonly startedAt = new Date();
  private readonly begun = performance.now();
  private readonly client: Observa;
  private ended = false;

  constructor(client: Observa, fields: Event, parent?: Span) {
    this.client = client;
    const handed = parent ? { ...parent.context(), parent_span_id: parent.spanId } : {};
    this.fields = { ...handed, ...fields };
    this.traceId = String((this.fields.trace_id ??= hex(16)));
    this.spanId = String((this.fields.span_id ??= hex(8)));
  }

  /** What is known later: output, usage, tokens, finish_reason. */
  set(fields: Event): this {
    Object.assign(this.fields, fields);
    return this;
  }

  /** When a stream's first token came. */
  firstToken(): this {
    this.fields.time_to_first_token_ms ??= this.elapsed();
    return this;
  }

  start(fields: Event): Span {
    return this.client.start(fields, this);
  }

  span<T>(fields: Event, run: (span: Span) => T): T {
    return this.client.span(fields, run, this);
  }

  /** An event within it that takes no time: feedback, say. */
  track(event: Event): string | undefined {
    return this.client.track({ ...this.context(), parent_span_id: this.spanId, ...event });
  }

  /** Once; with what was thrown, if anything was. */
  end(...thrown: unknown[]): void {
    if (this.ended) return;
    this.ended = true;
    const failed = thrown.length > 0;
    const { model, tool_name } = this.fields;
    const event_type = model !== undefined ? "llm_call" : tool_name !== undefined ? "tool_call" : "reasoning_step";
    const event: Event = { event_type, timestamp: this.startedAt.toISOString(), ...this.fields };
    if (event.event_type === "trace_end") {
      event.timestamp = new Date().toISOString();
      event.total_latency_ms ??= this.elapsed();
      event.outcome ??= failed ? "error" : "success";
    } else {
      event.latency_ms ??= this.elapsed();
      event.status ??= failed ? "error" : "ok";
      if (event.event_type === "tool_call") event.result_status ??= failed ? "error" : "success";
    }
    if (failed) {
      const [error] = thrown;
      try {
        event.error_type ??= (error as { name?: unknown } | null)?.name ?? typeof error;
        event.error_message ??= messageOf(error);
      } catch {
        event.error_type ??= "unknown";
      }
    }
    this.client.track(event);
  }

  context(): Event {
    return Object.fromEntries(INHERITED.filter((name) => this.fields[name] !== undefined).map((name) => [name, this.fields[name]]));
  }

  private elapsed(): number {
    return Math.round((performance.now() - this.begun) * 1_000) / 1_000;
  }
}

function around<T>(span: Span, run: (span: Span) => T): T {
  let result: T;
  try {
    result = run(span);
  } catch (error) {
    span.end(error);
    throw error;
  }
  if (typeof (result as { then?: unknown } | null)?.then !== "function") {
    span.end();
    return result;
  }
  // Of a plain promise the caller gets one that follows it, so that a rejection that it does not handle is still told to its own
  // handlers; and of what only looks like a promise, which may be a query that runs anew at each then(), one that asks once.
  // An SDK's own kind of promise has methods beside then(): it is given back itself.
  const own = result instanceof Promise && (result.constructor !== Promise || Reflect.ownKeys(result).length > 0);
  const promise: Promise<unknown> = result instanceof Promise ? result : Promise.resolve(result);
  const ended = promise.then((value) => { span.end(); return value; }, (error: unknown) => { span.end(error); throw error; });
  if (own) ended.catch(() => {});
  return (own ? promise : ended) as T;
}

function outcomeOf(status: number, retryAfter: string | null, body: string): Outcome {
  if (status >= 200 && status < 300) {
    const answer = parsed(body) as { accepted?: unknown; rejected?: unknown; errors?: unknown } | undefined;
    // A login page, say: nothing is stored there.
    if (typeof answer?.accepted !== "number") return { is: "refused", message: `${status}, but no answer of Observa's: is the url right?` };
    return { is: "stored", rejected: Number(answer.rejected ?? 0), errors: (answer.errors as Rejected[] | undefined) ?? [] };
  }
  const said = parsed(body) as { code?: unknown; message?: unknown } | undefined;
  const message = said?.message ? `${status} ${said.code ?? ""}: ${said.message}` : `${status}`;
  if (status !== 408 && status !== 429 && status < 500) return { is: "refused", message };
  const afterMs = waitOf(retryAfter);
  return { is: "again", message, ...(afterMs !== undefined && { afterMs }), counts: status >= 500 && (status < 502 || status > 504) };
}

/** Seconds or a date. */
function waitOf(retryAfter: string | null): number | undefined {
  if (!retryAfter) return undefined;
  const ms = /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : undefined;
}

async function gzip(text: string): Promise<Uint8Array | undefined> {
  if (text.length < GZIP_FROM_BYTES || typeof CompressionStream === "undefined") return undefined;
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function stringify(event: Event): string {
  try {
    return JSON.stringify(event);
  } catch {
    return JSON.stringify(event, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A timer that does not keep the process alive. */
function quietly(run: () => void, ms: number): unknown {
  const timer: unknown = setTimeout(run, ms);
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

function messageOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: { message?: unknown } };
  return [message ?? String(error), cause?.message].filter(Boolean).join(": ");
}

function inBrowser(): boolean {
  return typeof document !== "undefined" && typeof document.addEventListener === "function";
}

/** Node 18 has no global crypto. Ids must be unique, not secret. */
function hex(bytes: number): string {
  const random = globalThis.crypto?.getRandomValues(new Uint8Array(bytes)) ?? Uint8Array.from({ length: bytes }, () => Math.random() * 256);
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Pages without TLS have no crypto.randomUUID. */
function uuid(): string {
  return globalThis.crypto?.randomUUID?.() ?? hex(16);
}
