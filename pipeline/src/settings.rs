//! The limits that a batch is read under. Each is a setting of the same name under `observa.`.

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of a body, also after unpacking.
    pub max_batch_bytes: usize,
    pub max_batch_events: usize,
    /// Bytes of one line, or of one element of an array.
    pub max_line_bytes: usize,
    /// Levels of nesting in one line, the line's own object counted.
    pub max_depth: usize,
    /// Bytes of an identifier or name: a btree refuses keys over 2.7 kB, and that would lose the batch.
    pub max_id_bytes: usize,
    /// Microseconds that an event may be older than now.
    pub window_past: i64,
    /// Microseconds that an event may be ahead of now.
    pub window_future: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max_batch_bytes: 10 << 20,
            max_batch_events: 100_000,
            max_line_bytes: 1 << 20,
            max_depth: 128,
            max_id_bytes: 512,
            window_past: 30 * DAY,
            window_future: DAY,
        }
    }
}
