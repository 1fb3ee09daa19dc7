//! Type observa.distinct_values, its aggregates and what they say. A value is a sketch's bytes, an aggregate's state a [`Distinct`].

use std::ffi::{CStr, CString};

use observa_pipeline::distinct::{Distinct, DistinctError, Mark};
use pgrx::prelude::*;
use pgrx::{Internal, PgMemoryContexts};

use crate::binary;
use crate::error::{Error, or_raise};

/// The bytes, if they are a sketch's, or the statement's end.
fn checked(bytes: Vec<u8>) -> Vec<u8> {
    read(&bytes);
    bytes
}

fn read(bytes: &[u8]) -> Distinct {
    or_raise(Distinct::from_bytes(bytes).map_err(|error: DistinctError| Error::from(error)))
}

#[pg_extern(sql = false)]
fn distinct_in(text: &CStr) -> Vec<u8> {
    let bytes = binary::from_hex(text.to_bytes()).ok_or(Error::Syntax("observa.distinct_values"));
    checked(or_raise(bytes))
}

#[pg_extern(sql = false)]
fn distinct_out(values: &[u8]) -> CString {
    binary::to_hex(values)
}

#[pg_extern(sql = false)]
fn distinct_recv(message: Internal) -> Vec<u8> {
    checked(binary::of_message(message))
}

#[pg_extern(sql = false)]
fn distinct_send(values: &[u8]) -> Vec<u8> {
    values.to_vec()
}

#[pg_extern(sql = false)]
fn distinct_of(bytes: &[u8]) -> Vec<u8> {
    checked(bytes.to_vec())
}

/// An aggregate's state: None until something is counted.
type State = Option<Distinct>;

/// The aggregate's state, made in the memory that lives as long as its group.
fn counting(state: &mut Internal, call: pg_sys::FunctionCallInfo) -> &mut State {
    let mut memory = std::ptr::null_mut();
    // SAFETY: PostgreSQL passed the call info, and the functions of our aggregates alone, which only a superuser could call
    // from others, make states: each is a State.
    unsafe {
        if pg_sys::AggCheckCallContext(call, &mut memory) == 0 {
            Error::Invalid("it was called outside of an aggregate".into()).raise();
        }
        PgMemoryContexts::For(memory).switch_to(|_| state.get_or_insert_default::<State>())
    }
}

fn counted(state: &Internal) -> Option<&Distinct> {
    // SAFETY: as in `counting`.
    unsafe { state.get::<State>() }.and_then(Option::as_ref)
}

fn merge(state: &mut State, other: &Distinct) {
    match state {
        Some(distinct) => distinct.merge(other),
        None => *state = Some(other.clone()),
    }
}

#[pg_extern(sql = false)]
fn distinct_record(mut state: Internal, value: Option<&str>, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(value) = value {
        let state = counting(&mut state, call);
        if state.is_none() {
            *state = Distinct::new();
        }
        state.iter_mut().for_each(|distinct| distinct.insert(Mark::of(value)));
    }
    state
}

#[pg_extern(sql = false)]
fn distinct_merge(mut state: Internal, values: Option<&[u8]>, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(values) = values {
        merge(counting(&mut state, call), &read(values));
    }
    state
}

/// The second state may be gone after the call: the first takes what it holds, never its memory.
#[pg_extern(sql = false)]
fn distinct_combine(mut state: Internal, other: Internal, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(other) = counted(&other) {
        merge(counting(&mut state, call), other);
    }
    state
}

/// Of a state with nothing in it no bytes.
#[pg_extern(sql = false)]
fn distinct_serialize(state: Internal) -> Vec<u8> {
    counted(&state).map(Distinct::to_bytes).unwrap_or_default()
}

#[pg_extern(sql = false)]
fn distinct_deserialize(state: &[u8], _nothing: Internal) -> Internal {
    let state: State = (!state.is_empty()).then(|| read(state));
    Internal::new(state)
}

#[pg_extern(sql = false)]
fn distinct_final(state: Internal) -> Option<Vec<u8>> {
    counted(&state).filter(|distinct| !distinct.is_empty()).map(Distinct::to_bytes)
}

#[pg_extern(sql = false)]
fn distinct_count(values: &[u8]) -> i64 {
    read(values).count()
}

#[pg_extern(sql = false)]
fn add_distinct(a: Option<&[u8]>, b: Option<&[u8]>) -> Option<Vec<u8>> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b).map(<[u8]>::to_vec) };
    let mut all = read(a);
    all.merge(&read(b));
    Some(all.to_bytes())
}
