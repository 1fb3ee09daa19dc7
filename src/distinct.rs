//! Type observa.distinct_values, its aggregates and what they say. A value is a sketch's bytes, an aggregate's state a [`Distinct`].

use std::ffi::{CStr, CString};

use observa_pipeline::distinct::{Distinct, DistinctError, Mark, Union};
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
    valid(Distinct::from_bytes(bytes))
}

fn valid<T>(result: Result<T, DistinctError>) -> T {
    or_raise(result.map_err(Error::from))
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

/// An aggregate's state: what was counted one by one, and what was merged.
#[derive(Default)]
struct State {
    recorded: Option<Distinct>,
    merged: Union,
}

impl State {
    /// None: nothing was counted.
    fn sketch(&mut self) -> Option<Vec<u8>> {
        self.all().sketch()
    }

    fn all(&mut self) -> &mut Union {
        if let Some(recorded) = self.recorded.take() {
            valid(self.merged.merge_bytes(&recorded.to_bytes()));
        }
        &mut self.merged
    }
}

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

fn counted(state: &mut Internal) -> Option<&mut State> {
    // SAFETY: as in `counting`.
    unsafe { state.get_mut::<State>() }
}

#[pg_extern(sql = false)]
fn distinct_record(mut state: Internal, value: Option<&str>, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(value) = value {
        let recorded = &mut counting(&mut state, call).recorded;
        if recorded.is_none() {
            *recorded = Distinct::new();
        }
        recorded.iter_mut().for_each(|distinct| distinct.insert(Mark::of(value)));
    }
    state
}

#[pg_extern(sql = false)]
fn distinct_merge(mut state: Internal, values: Option<&[u8]>, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(values) = values {
        valid(counting(&mut state, call).merged.merge_bytes(values));
    }
    state
}

/// The second state may be gone after the call: the first takes what it holds, never its memory.
#[pg_extern(sql = false)]
fn distinct_combine(mut state: Internal, mut other: Internal, call: pg_sys::FunctionCallInfo) -> Internal {
    if let Some(bytes) = counted(&mut other).and_then(State::sketch) {
        valid(counting(&mut state, call).merged.merge_bytes(&bytes));
    }
    state
}

/// Of a state with nothing in it no bytes.
#[pg_extern(sql = false)]
fn distinct_serialize(mut state: Internal) -> Vec<u8> {
    counted(&mut state).and_then(State::sketch).unwrap_or_default()
}

#[pg_extern(sql = false)]
fn distinct_deserialize(bytes: &[u8], _nothing: Internal) -> Internal {
    let mut state = State::default();
    if !bytes.is_empty() {
        valid(state.merged.merge_bytes(bytes));
    }
    Internal::new(state)
}

#[pg_extern(sql = false)]
fn distinct_final(mut state: Internal) -> Option<Vec<u8>> {
    counted(&mut state).and_then(State::sketch)
}

#[pg_extern(sql = false)]
fn distinct_final_count(mut state: Internal) -> i64 {
    counted(&mut state).map_or(0, |state| valid(state.all().count()))
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
