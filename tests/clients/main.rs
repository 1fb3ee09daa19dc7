//! Real clients, on the way that they take in production: over HTTP, through the nginx of `examples/`, to `observa.ingest`.

mod archive;
mod embeddings;
mod grafana;
mod metrics;
mod observa_sdk;
mod opentelemetry;
mod own_sdks;
mod page;
mod pooler;
mod prices;
mod proxy;
mod stack;
