//! Numbers as people read them.

/// 950, 12,345, 1.2 M.
pub fn count(number: f64) -> String {
    let size = number.abs();
    match size {
        _ if size >= 1e12 => format!("{:.1} T", number / 1e12),
        _ if size >= 1e9 => format!("{:.1} G", number / 1e9),
        _ if size >= 1e6 => format!("{:.1} M", number / 1e6),
        _ if size > 0.0 && size < 10.0 && size.fract() != 0.0 => format!("{number:.1}"),
        _ => grouped(number),
    }
}

/// Whole, with a comma for each thousand.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::from(if number < 0.0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// US dollars, down to millionths: one call costs as little.
pub fn money(usd: f64) -> String {
    let size = usd.abs();
    match size {
        0.0 => "$0".into(),
        _ if size >= 1e6 => format!("${}", count(usd)),
        _ if size >= 1000.0 => format!("${}", grouped(usd)),
        _ if size >= 1.0 => format!("${usd:.2}"),
        _ if size >= 0.01 => format!("${usd:.3}"),
        _ if size >= 0.000_001 => format!("${usd:.6}"),
        _ => "under $0.000001".into(),
    }
}

/// A time that something took, of milliseconds.
pub fn duration(ms: f64) -> String {
    match ms {
        _ if ms >= 86_400_000.0 => format!("{:.1} d", ms / 86_400_000.0),
        _ if ms >= 3_600_000.0 => format!("{:.1} h", ms / 3_600_000.0),
        _ if ms >= 60_000.0 => format!("{:.1} min", ms / 60_000.0),
        _ if ms >= 1000.0 => format!("{:.2} s", ms / 1000.0),
        _ if ms >= 10.0 => format!("{ms:.0} ms"),
        0.0 => "0 ms".into(),
        _ => format!("{ms:.1} ms"),
    }
}

/// Of a whole, in percent.
pub fn share(part: f64, whole: f64) -> String {
    let percent = 100.0 * part / whole;
    if !percent.is_finite() {
        return "–".into();
    }
    if percent > 0.0 && percent < 0.1 { "under 0.1 %".into() } else { format!("{percent:.1} %") }
}

/// How a figure differs from the one before it: an arrow and a word, so that colour says nothing alone.
pub fn change(now: f64, before: f64) -> String {
    let percent = 100.0 * (now - before) / before;
    match percent {
        _ if !percent.is_finite() => "none before".into(),
        _ if percent.abs() < 0.5 => "as before".into(),
        _ if percent > 999.0 => format!("▲ {} times as much", count((now / before).round())),
        _ if percent > 0.0 => format!("▲ {percent:.0} % more"),
        _ => format!("▼ {:.0} % less", percent.abs()),
    }
}

/// The same, or a dash where it is not known.
pub fn or_dash(number: Option<f64>, shown: impl Fn(f64) -> String) -> String {
    number.filter(|number| number.is_finite()).map_or_else(|| "–".into(), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_size() {
        assert_eq!(
            [count(0.0), count(950.0), count(12_345.0), count(1_250_000.0)],
            ["0", "950", "12,345", "1.2 M"]
        );
        assert_eq!(
            [money(0.0), money(0.000_012), money(0.125), money(12.5)],
            ["$0", "$0.000012", "$0.125", "$12.50"]
        );
        assert_eq!([money(1234.6), money(1e-9)], ["$1,235", "under $0.000001"]);
        assert_eq!([duration(0.25), duration(820.0), duration(1240.0)], ["0.2 ms", "820 ms", "1.24 s"]);
        assert_eq!([duration(90_000.0), duration(7_200_000.0)], ["1.5 min", "2.0 h"]);
        assert_eq!([share(1.0, 8.0), share(0.0, 0.0), share(1.0, 1e6)], ["12.5 %", "–", "under 0.1 %"]);
    }

    #[test]
    fn a_change_says_its_direction_in_words() {
        assert_eq!(change(112.0, 100.0), "▲ 12 % more");
        assert_eq!(change(50.0, 100.0), "▼ 50 % less");
        assert_eq!(change(100.1, 100.0), "as before");
        assert_eq!(change(5.0, 0.0), "none before");
        assert_eq!(change(100.0, 1.0), "▲ 100 times as much");
    }
}
