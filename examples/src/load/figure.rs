//! Numbers as people read them.

/// Thousands are separated by commas.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Tokens: exact below ten thousand, then in thousands and millions.
pub fn tokens(value: i64) -> String {
    match value {
        ..10_000 => count(value.max(0) as u64),
        10_000..10_000_000 => format!("{} k", count(value as u64 / 1000)),
        _ => format!("{:.1} M", value as f64 / 1e6),
    }
}

/// USD with the digits that matter; what has no price is no zero.
pub fn dollars(value: Option<f64>) -> String {
    match value {
        None => "no price".to_owned(),
        Some(0.0) => "$0".to_owned(),
        Some(value) if value < 0.000_01 => "<$0.00001".to_owned(),
        Some(value) if value < 0.01 => format!("${value:.5}"),
        Some(value) if value < 1.0 => format!("${value:.4}"),
        Some(value) if value < 1000.0 => format!("${value:.2}"),
        Some(value) => format!("${}", count(value.round() as u64)),
    }
}

/// Milliseconds, from a second on as seconds.
pub fn millis(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 1000.0 => format!("{value:.0} ms"),
        Some(value) if value < 60_000.0 => format!("{:.1} s", value / 1000.0),
        Some(value) => format!("{:.1} min", value / 60_000.0),
    }
}

pub fn percent(part: i64, whole: i64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// A bar of up to ten blocks, in eighths, for a share of the largest value; something is never nothing.
pub fn bar(value: f64, largest: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if largest <= 0.0 || value <= 0.0 {
        return String::new();
    }
    let eighths = ((value / largest * 80.0).round() as usize).clamp(1, 80);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Text on one line, cut to `width` characters.
pub fn short(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= width {
        return line;
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The server's own words with its hint, since the client's `Display` says only "db error".
pub fn server_error(error: &postgres::Error) -> String {
    let Some(db) = error.as_db_error() else { return error.to_string() };
    let mut text = format!("{} ({})", db.message(), db.code().code());
    for more in [db.detail(), db.hint()].into_iter().flatten() {
        text += &format!("\n  {more}");
    }
    text
}

pub fn server_failure(error: postgres::Error) -> anyhow::Error {
    anyhow::anyhow!(server_error(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_price_is_not_zero() {
        assert_eq!(dollars(None), "no price");
        assert_eq!(dollars(Some(0.0)), "$0");
    }

    #[test]
    fn figures_keep_the_digits_that_matter() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(tokens(9_999), "9,999");
        assert_eq!(tokens(1_234_567), "1,234 k");
        assert_eq!(dollars(Some(0.000_42)), "$0.00042");
        assert_eq!(dollars(Some(0.000_000_3)), "<$0.00001");
        assert_eq!(dollars(Some(12_345.6)), "$12,346");
        assert_eq!(millis(Some(950.0)), "950 ms");
        assert_eq!(millis(Some(30_000.0)), "30.0 s");
        assert_eq!(
            bar(0.0, 5.0) + "," + &bar(0.001, 5.0) + "," + &bar(1.0, 4.0) + "," + &bar(5.0, 5.0),
            ",▏,██▌,██████████"
        );
        assert_eq!(short("one\n two  three", 9), "one two …");
    }
}
