//! Real clients, on the way that they take in production: over HTTP, through the nginx of `examples/`, to `observa.ingest`.

mod archive;
mod embeddings;
mod metrics;
mod observa_sdk;
mod opentelemetry;
mod pooler;
mod prices;
mod proxy;
mod stack;
