// examples/sdk/observa.ts: the scene that the argument names, with a report of it as the last thing printed.
const [, , scene] = process.argv;
// As in Node 18.
if (scene === "old") delete globalThis.crypto;
// As a page: what it knows of itself, and that a browser says where a request is from.
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
const sent = [];
if (scene === "page") {
  globalThis.document = page;
  const { fetch } = globalThis;
  globalThis.fetch = (url, { headers, ...rest }) => {
    sent.push({ keepalive: rest.keepalive, gzip: "Content-Encoding" in headers });
    return fetch(url, { ...rest, headers: { ...headers, Origin: "https://app.example.com" } });
  };
}
const { Observa } = await import("./observa.js");

const report = { drops: {}, rejects: [], errors: 0, said: [] };
const client = (options) => new Observa({
  url: process.env.OBSERVA_URL, key: process.env.OBSERVA_KEY, defaults: { version: "1.2" }, flushMs: 100, retryMs: 20, timeoutMs: 1_000, exitMs: 20_000,
  onDrop: ({ reason, count, message }) => { report.said.push(`${reason} ${message}`); report.drops[reason] = (report.drops[reason] ?? 0) + count; throw new Error("of the callback"); },
  onReject: ({ line, code, field, event }) => report.rejects.push({ line, code, field, event_id: event.event_id }),
  onError: (message) => { report.errors += 1; report.said.push(message); },
  ...options,
});
const call = (number, more) => ({ model: "test-model-x", input: `question ${number}`, latency_ms: 5, ...more });
const range = (count) => Array.from({ length: count }, (_, number) => number);
let observa;

const scenes = {
  unsteady() {
    observa = client({ batchEvents: 10 });
    for (const number of range(40)) observa.track(call(number));
  },
  exit() {
    observa = client({ flushMs: 60_000 });
    for (const number of range(2)) observa.track(call(number));
    if (observa.span(call(2), () => 42) !== 42) throw new Error("a plain value is not given back");
  },
  old() {
    scenes.exit();
  },
  async down() {
    observa = client({ maxEvents: 1_000, maxBytes: 1 << 20, exitMs: 500 });
    const output = "x".repeat(2_000);
    const before = process.memoryUsage().rss;
    let slowest = 0;
    for (const number of range(100_000)) {
      const begun = performance.now();
      observa.track(call(number, { output }));
      slowest = Math.max(slowest, performance.now() - begun);
      // An application has other things to do.
      if (number % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    Object.assign(report, { slowest_ms: slowest, grown_bytes: process.memoryUsage().rss - before, queued: observa.stats().queued });
    report.flushed = await observa.flush(100);
  },
  bad() {
    observa = client();
    observa.track(call(1));
    observa.track(call(2, { event_id: "bad", latency_ms: "soon" }));
    observa.track(call(3));
    const cycle = call(4);
    cycle.self = cycle;
    observa.track(cycle);
    observa.track(call(5, { output: "x".repeat(1_000_001) }));
  },
  async many() {
    observa = client({});
    const begun = performance.now();
    for (const number of range(10_000)) observa.track(call(number));
    report.queueing_ms = performance.now() - begun;
    report.flushed = await observa.flush(60_000);
    report.sending_ms = performance.now() - begun;
  },
  async full() {
    for (const drop of ["oldest", "newest"]) {
      observa = client({ drop, maxEvents: 3, flushMs: 60_000 });
      for (const number of range(5)) observa.track(call(number, { session_id: drop }));
      await observa.close();
    }
  },
  async refused() {
    observa = client({ key: "sk_none" });
    for (const number of range(3)) observa.track(call(number));
    report.flushed = await observa.flush(20_000);
  },
  async malformed() {
    observa = client();
    for (const number of range(3)) observa.track(call(number));
    report.flushed = await observa.flush(20_000);
  },
  async patient() {
    await scenes.malformed();
  },
  async throws() {
    observa = client();
    class Declined extends Error { name = "Declined"; }
    const thrown = [new Declined("no sk-proj-Tb2mYq8LrXw5VzKd9NfPc4Hs"), "a text", undefined];
    report.same = [];
    await observa.trace("handle request", async (trace) => {
      try {
        trace.span({ tool_name: "sync" }, () => { throw thrown[0]; });
      } catch (error) { report.same.push(error === thrown[0]); }
      await trace.span({ model: "async" }, async () => { await null; throw thrown[1]; }).catch((error) => report.same.push(error === thrown[1]));
      await trace.span({ name: "undefined" }, () => Promise.reject(thrown[2])).catch((error) => report.same.push(error === thrown[2]));
      // A query that runs at each then(), as builders of queries do.
      let runs = 0;
      const query = { then(done) { runs += 1; done(42); } };
      const answer = trace.span({ model: "plain" }, (span) => { span.set({ output: "said" }).track({ event_type: "feedback", type: "like" }); return query; });
      report.same.push((await answer) === 42 && (await answer) === 42 && runs === 1);
      // As a promise of an SDK's, which has methods of its own.
      class Asked extends Promise { withResponse() { return this; } }
      const slow = new Asked((resolve) => setTimeout(() => resolve(43), 60));
      report.same.push(trace.span({ model: "slow" }, (span) => { span.firstToken(); return slow; }) === slow && (await slow) === 43);
    }, { session_id: "session-7", user_id: "user-7" });
  },
  async ignored() {
    report.unhandled = [];
    process.on("unhandledRejection", (reason) => report.unhandled.push(reason.message));
    observa = client();
    void observa.span({ model: "ignored" }, async () => { throw new Error("ignored"); });
    void observa.span({ model: "ignored-later" }, () => new Promise((_, reject) => setTimeout(() => reject(new Error("ignored later")), 20)));
    await observa.span({ model: "handled" }, async () => { throw new Error("handled"); }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 60));
    report.flushed = await observa.flush(20_000);
  },
  async page() {
    observa = client({ flushMs: 60_000 });
    for (const number of range(20)) observa.track(call(number, { output: "x".repeat(100) }));
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    // A page is gone now; here its request is waited for.
    report.flushed = await observa.flush(20_000);
    report.sent = sent;
  },
};

const begun = performance.now();
await scenes[scene]();
process.on("exit", () => console.log(JSON.stringify({ ...report, ended_ms: performance.now() - begun, stats: observa.stats() })));
