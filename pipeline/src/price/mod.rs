//! STUB until the price book is merged.
pub type Usd = bigdecimal::BigDecimal;
pub fn parse_usd(t: &str) -> Option<Usd> { t.parse().ok() }
#[derive(Clone, Copy)]
pub enum ServiceTier { Batch }
impl ServiceTier { pub fn parse(_: &str) -> Option<ServiceTier> { None } }
#[derive(Default)]
pub struct Totals { pub input: Option<u64>, pub output: Option<u64>, pub total: Option<u64>, pub cached_input: Option<u64>, pub cache_write: Option<u64>, pub cache_write_1h: Option<u64>, pub reasoning: Option<u64>, pub audio_in: Option<u64>, pub audio_out: Option<u64>, pub image_in: Option<u64>, pub image_out: Option<u64>, pub service_tier: Option<ServiceTier>, pub cache_inside_input: Option<bool>, pub reasoning_inside_output: bool }
#[derive(Default)]
pub struct Usage { pub cache_read: Option<u64>, pub cache_write_5m: Option<u64>, pub cache_write_1h: Option<u64>, pub reasoning: Option<u64>, pub reported_total: Option<u64> }
impl Usage { pub fn from_totals(_: &Totals) -> Usage { Usage::default() } pub fn from_json(_: &serde_json::Value) -> Result<Usage, ()> { Ok(Usage::default()) } pub fn input(&self) -> Option<u64> { None } pub fn output(&self) -> Option<u64> { None } }
#[derive(Default)]
pub struct Book;
pub struct Price; impl Price { pub fn context_window(&self) -> Option<u64> { None } }
pub struct Breakdown { pub total: Usd }
impl Book { pub fn find(&self, _: &str, _: Option<&str>, _: i64) -> Option<Price> { None } pub fn cost(&self, _: &str, _: Option<&str>, _: i64, _: &Usage) -> Option<Breakdown> { None } }
