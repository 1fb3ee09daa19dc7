//! Settings that are a number of days: `30`, or a time in Postgres' units, `'30 d'`.

use std::ffi::{CStr, CString, c_char, c_void};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;
use pgrx::prelude::*;

/// 54 years: over that a time is no time any more that anybody has chosen.
pub const MOST: i32 = 20_000;

pub type Setting = GucSetting<Option<CString>>;

/// From `_PG_init`. 0 is for ever.
pub fn define(name: &'static CStr, about: &'static CStr, setting: &'static Setting) {
    // SAFETY: the hook keeps to what Postgres asks of one: it reads the value, and says whether it is one.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            name,
            about,
            c"A number of days, or a time with its unit; 0: for ever.",
            setting,
            GucContext::Suset,
            GucFlags::empty(),
            Some(is_days),
            None,
            None,
        );
    }
}

/// None: for ever.
pub fn get(setting: &Setting) -> Option<i32> {
    setting.get().and_then(|value| read(&value)).filter(|days| *days > 0)
}

#[pg_guard]
unsafe extern "C-unwind" fn is_days(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: Postgres passes the address of a C string, or of a null pointer.
    let value =
        unsafe { value.as_ref().filter(|value| !value.is_null()).map(|value| CStr::from_ptr(*value)) };
    value.is_none_or(|value| read(value).is_some())
}

/// Whole days, those begun included: nothing goes before its time.
fn read(value: &CStr) -> Option<i32> {
    const MINUTES_A_DAY: i32 = 1_440;
    let bare = value.to_str().ok().and_then(|text| text.trim().parse::<i32>().ok());
    let days = bare.or_else(|| {
        let mut minutes = 0;
        // SAFETY: a C string and an integer of ours; no hint is asked for.
        let is_time = unsafe {
            pg_sys::parse_int(value.as_ptr(), &mut minutes, pg_sys::GUC_UNIT_MIN as i32, std::ptr::null_mut())
        };
        is_time.then(|| minutes / MINUTES_A_DAY + i32::from(minutes % MINUTES_A_DAY != 0))
    })?;
    (0..=MOST).contains(&days).then_some(days)
}
