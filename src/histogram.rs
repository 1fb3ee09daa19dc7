//! Type observa.histogram, its aggregates and what they say. A value is HdrHistogram's V2 bytes, an aggregate's state a
//! [`Latencies`].

use std::ffi::{CStr, CString};

use observa_pipeline::histogram::{HistogramError, Latencies};
use pgrx::prelude::*;
use pgrx::{Internal, PgMemoryContexts};

use crate::binary;
use crate::error::{Error, or_raise};

/// The bytes, if they are a histogram's, or the statement's end.
fn checked(bytes: Vec<u8>) -> Vec<u8> {
    valid(Latencies::check(&bytes));
    bytes
}

fn read(bytes: &[u8]) -> Latencies {
    valid(Latencies::from_bytes(bytes))
}

fn valid<T>(result: Result<T, HistogramError>) -> T {
    or_raise(result.map_err(Error::from))
}

#[pg_extern(sql = false)]
fn histogram_in(text: &CStr) -> Vec<u8> {
    let bytes = binary::from_hex(text.to_bytes()).ok_or(Error::Syntax("observa.histogram"));
    checked(or_raise(bytes))
}

#[pg_extern(sql = false)]
fn histogram_out(histogram: &[u8]) -> CString {
    binary::to_hex(histogram)
}

#[pg_extern(sql = false)]
fn histogram_recv(message: Internal) -> Vec<u8> {
    checked(binary::of_message(message))
}

#[pg_extern(sql = false)]
fn histogram_send(histogram: &[u8]) -> Vec<u8> {
    histogram.to_vec()
}

#[pg_extern(sql = false)]
fn histogram_of(bytes: &[u8]) -> Vec<u8> {
    checked(bytes.to_vec())
}

/// The aggregate's state, made in the memory that lives as long as its group.
fn counting<State: Default>(state: &mut Internal, call: pg_sys::FunctionCallInfo) -> &mut State {
    let mut memory = std::ptr::null_mut();
    // SAFETY: PostgreSQL passed the call info, and the functions of our aggregates alone, which only a superuser could call
    // from others, make states: each is what all functions of its aggregate take.
    unsafe {
        if pg_sys::AggCheckCallContext(call, &mut memory) == 0 {
            Error::Invalid("it was called outside of an aggregate".into()).raise();
        }
        PgMemoryContexts::For(memory).switch_to(|_| state.get_or_insert_default::<State>())
    }
}

fn counted(state: &Internal) -> Option<&Latencies> {
    // SAFETY: as in `counting`.
    unsafe { state.get::<Latencies>() }
}

#[pg_extern(sql = false)]
fn histogram_record(
    mut state: Internal,
    milliseconds: Option<f64>,
    call: pg_sys::FunctionCallInfo,
) -> Internal {
    if let Some(milliseconds) = milliseconds {
        counting::<Latencies>(&mut state, call).record_ms(milliseconds);
    }
    state
}

#[pg_extern(sql = false)]
fn histogram_merge(
    mut state: Internal,
    histogram: Option<&[u8]>,
    call: pg_sys::FunctionCallInfo,
) -> Internal {
    if let Some(histogram) = histogram {
        valid(counting::<Latencies>(&mut state, call).merge_bytes(histogram));
    }
    state
}

/// The second state may be gone after the call: the first takes its counts, never its memory.
#[pg_extern(sql = false)]
fn histogram_combine(mut state: Internal, other: Internal, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(other) = counted(&other) {
        counting::<Latencies>(&mut state, call).merge(other);
    }
    state
}

#[pg_extern(sql = false)]
fn histogram_serialize(state: Internal) -> Vec<u8> {
    counted(&state).map(Latencies::to_bytes).unwrap_or_default()
}

#[pg_extern(sql = false)]
fn histogram_deserialize(state: &[u8], _nothing: Internal) -> Internal {
    Internal::new(read(state))
}

#[pg_extern(sql = false)]
fn histogram_final(state: Internal) -> Option<Vec<u8>> {
    counted(&state).filter(|latencies| !latencies.is_empty()).map(Latencies::to_bytes)
}

/// What was added and what was taken out, in any order.
#[derive(Default)]
struct Net {
    added: Latencies,
    removed: Latencies,
}

#[pg_extern(sql = false)]
fn net_latency(
    mut state: Internal,
    added: Option<&[u8]>,
    removed: Option<&[u8]>,
    call: pg_sys::FunctionCallInfo,
) -> Internal {
    if added.or(removed).is_some() {
        let net: &mut Net = counting(&mut state, call);
        added.into_iter().for_each(|histogram| valid(net.added.merge_bytes(histogram)));
        removed.into_iter().for_each(|histogram| valid(net.removed.merge_bytes(histogram)));
    }
    state
}

/// What is left. It changes the state, which is asked once.
fn left(mut state: Internal) -> Option<Latencies> {
    // SAFETY: as in `counting`; nobody else has the state at hand.
    let net: &mut Net = unsafe { state.get_mut() }?;
    net.added.subtract(&net.removed);
    Some(std::mem::take(&mut net.added)).filter(|latencies| !latencies.is_empty())
}

#[pg_extern(sql = false)]
fn net_latencies_final(state: Internal) -> Option<Vec<u8>> {
    left(state).map(|latencies| latencies.to_bytes())
}

#[pg_extern(sql = false)]
fn latency_summary_final(state: Internal) -> Option<Vec<f64>> {
    let (mean, quantiles) = left(state)?.mean_and_quantiles_ms([0.5, 0.9, 0.95, 0.99, 1.0])?;
    Some(std::iter::once(mean).chain(quantiles).collect())
}

#[pg_extern(sql = false)]
fn histogram_quantile(histogram: &[u8], quantile: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&quantile) {
        Error::Invalid("a quantile is a number from 0 to 1".into()).raise();
    }
    read(histogram).quantile_ms(quantile)
}

#[pg_extern(sql = false)]
fn histogram_count(histogram: &[u8]) -> i64 {
    i64::try_from(read(histogram).count()).unwrap_or(i64::MAX)
}

#[pg_extern(sql = false)]
fn histogram_mean(histogram: &[u8]) -> Option<f64> {
    read(histogram).mean_ms()
}

#[pg_extern(sql = false)]
fn subtract_histograms(a: Option<&[u8]>, b: Option<&[u8]>) -> Option<Vec<u8>> {
    let (Some(a), Some(b)) = (a, b) else { return a.map(<[u8]>::to_vec) };
    let mut rest = read(a);
    rest.subtract(&read(b));
    (!rest.is_empty()).then(|| rest.to_bytes())
}

#[pg_extern(sql = false)]
fn add_histograms(a: Option<&[u8]>, b: Option<&[u8]>) -> Option<Vec<u8>> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b).map(<[u8]>::to_vec) };
    let mut sum = read(a);
    valid(sum.merge_bytes(b));
    Some(sum.to_bytes())
}
