//! Chance with a seed: the same seed gives the same sample on every machine.

/// A seeded source of choices.
pub struct Dice(fastrand::Rng);

impl Dice {
    pub fn with_seed(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// One of the items; the tables of this sample are never empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.0.usize(..items.len())]
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.u64(low..=high)
    }

    pub fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.0.u64(..n) == 0
    }

    /// A value with this median and a long tail upwards (log-normal), as latencies and lengths have.
    pub fn around(&mut self, median: f64, spread: f64) -> f64 {
        let normal =
            (-2.0 * self.0.f64().max(1e-9).ln()).sqrt() * (std::f64::consts::TAU * self.0.f64()).cos();
        median * (spread * normal).exp()
    }

    /// Whole milliseconds around a median.
    pub fn millis(&mut self, median: f64, spread: f64) -> u64 {
        self.around(median, spread).round() as u64
    }

    pub fn hex(&mut self, length: usize) -> String {
        self.letters(length, b"0123456789abcdef")
    }

    pub fn letters(&mut self, length: usize, alphabet: &[u8]) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}
