//! Money as exact decimals.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, ToPrimitive};

/// US dollars, or US dollars per token: an arbitrary-precision decimal, so that a product of a token
/// count and a rate and the sum of such products are exact, whatever their size. Never a float.
pub type Usd = BigDecimal;

/// Longest price that is read, in significant digits, and the widest exponent. Real prices have
/// fewer than 20 digits; without a bound `1e-999999999` in a price file would cost a gigabyte.
const MAX_DIGITS: usize = 60;
const MAX_EXPONENT: i64 = 60;

/// Reads a price such as `2.5e-06` or `0.15` exactly. `None` for anything that is not a decimal
/// number of zero or more within 60 digits: signs, NaN, infinities, hex, separators.
pub fn parse_usd(text: &str) -> Option<Usd> {
    let text = text.trim();
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = whole.bytes().chain(fraction.bytes());
    if digits.clone().any(|byte| !byte.is_ascii_digit()) || whole.len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    // Fast path: real prices fit a machine word, and the built-in book holds tens of thousands.
    let number = if whole.len() + fraction.len() <= 18 {
        BigInt::from(digits.fold(0_u64, |number, byte| number * 10 + u64::from(byte - b'0')))
    } else {
        BigInt::parse_bytes(&digits.collect::<Vec<u8>>(), 10)?
    };
    Some(Usd::new(number, scale))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let exponent: i64 = text.parse().ok()?;
    (exponent.abs() <= MAX_EXPONENT).then_some(exponent)
}

/// Reads a price written by a program that computed in doubles: digits beyond the 15 that a double
/// carries are noise of that arithmetic (`2.0000000000000002e-07` is 0.2 USD per million).
pub(super) fn parse_usd_from_double(text: &str) -> Option<Usd> {
    let usd = parse_usd(text)?;
    if usd.digits() > 15 { Some(usd.with_prec(15).normalized()) } else { Some(usd) }
}

/// Reads a price per million tokens as a price per token.
pub(super) fn parse_usd_per_million(text: &str) -> Option<Usd> {
    let (number, scale) = parse_usd(text)?.into_bigint_and_exponent();
    Some(Usd::new(number, scale + 6))
}

/// Writes a price per token as the shortest plain decimal per million tokens.
pub(super) fn per_million_text(usd: &Usd) -> String {
    let (number, scale) = usd.normalized().into_bigint_and_exponent();
    Usd::new(number, scale - 6).normalized().to_plain_string()
}

/// As `to_plain_string`, and several times as fast for an amount that fits a machine word.
pub fn plain(usd: &Usd) -> String {
    let (number, scale) = usd.as_bigint_and_scale();
    match (number.to_u64(), usize::try_from(scale)) {
        (Some(number), Ok(scale @ 1..=18)) => {
            let digits = format!("{number:0width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            [whole, fraction].join(".")
        }
        _ => usd.to_plain_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn amounts_are_written_as_plain_decimals(number: i64, scale in -3i64..25, cut in 0u32..60) {
            let usd = Usd::new(BigInt::from(number >> cut), scale);
            prop_assert_eq!(plain(&usd), usd.to_plain_string());
        }
    }

    #[test]
    fn prices_are_read_digit_by_digit() {
        for (text, plain) in [
            ("2.5e-06", "0.0000025"),
            ("0.15", "0.15"),
            ("3", "3"),
            ("1.25E-5", "0.0000125"),
            (".5", "0.5"),
            ("0", "0"),
            ("0.123456789012345678901234567890", "0.12345678901234567890123456789"),
        ] {
            assert_eq!(parse_usd(text).map(|usd| usd.normalized().to_plain_string()), Some(plain.to_owned()));
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in
            ["", ".", "-1", "+1", "NaN", "inf", "1e", "1e999999999", "1e-61", "0x10", "1_000", "1,5", "٣"]
        {
            assert_eq!(parse_usd(text), None, "{text}");
        }
    }

    #[test]
    fn noise_of_double_arithmetic_is_dropped() {
        assert_eq!(parse_usd_from_double("2.0000000000000002e-07"), parse_usd("2e-7"));
        assert_eq!(parse_usd_from_double("1.5000020000000002e-05"), parse_usd("1.500002e-5"));
        assert_eq!(parse_usd_from_double("2.125e-06"), parse_usd("2.125e-6"));
    }

    #[test]
    fn per_million_and_back() {
        assert_eq!(parse_usd_per_million("2.5"), parse_usd("0.0000025"));
        assert_eq!(parse_usd("0.0000025").map(|usd| per_million_text(&usd)), Some("2.5".to_owned()));
        assert_eq!(parse_usd("0").map(|usd| per_million_text(&usd)), Some("0".to_owned()));
    }
}
