//! What parts of an expression are, and what SQL does with them. An operation on NULL is NULL.

use std::borrow::Cow;
use std::cmp::Ordering;

use bigdecimal::{BigDecimal, ToPrimitive, Zero};
use serde_json::Value as Json;

/// Digits of a number that is computed with; of more, the expression fails.
const MOST_DIGITS: u64 = 400;

/// Characters of a text that is read as a number, and its greatest exponent.
const LONGEST_NUMBER: usize = 100;
const GREATEST_EXPONENT: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// bigint
    Whole,
    /// numeric
    Decimal,
    /// double precision
    Float,
    Text,
    Boolean,
    /// jsonb, whose presence alone can be asked for.
    Json,
    /// NULL as it is written.
    Null,
}

impl Kind {
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Whole | Kind::Decimal | Kind::Float)
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Whole | Kind::Decimal | Kind::Float => "a number",
            Kind::Text => "a text",
            Kind::Boolean => "a condition",
            Kind::Json => "jsonb",
            Kind::Null => "NULL",
        }
    }

    /// Of two that come together.
    pub fn with(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Kind::Null, other) | (other, Kind::Null) => Some(other),
            (one, other) if one.is_number() && other.is_number() => {
                Some(if one == Kind::Float || other == Kind::Float { Kind::Float } else { Kind::Decimal })
            }
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Value<'e> {
    Null,
    Whole(i64),
    Decimal(BigDecimal),
    Float(f64),
    Text(Cow<'e, str>),
    Boolean(bool),
    /// There is one; what it is nobody asks.
    Json,
}

/// Where Postgres would raise an error.
#[derive(Debug)]
pub struct Failed;

impl<'e> Value<'e> {
    pub fn of<T: Into<Value<'e>>>(value: Option<T>) -> Value<'e> {
        value.map_or(Value::Null, Into::into)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn boolean(&self) -> Option<bool> {
        if let Value::Boolean(is) = self { Some(*is) } else { None }
    }

    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// Texts are cut after so many characters.
    pub fn to_json(&self, excerpt: usize) -> Json {
        match self {
            Value::Null | Value::Json => Json::Null,
            Value::Whole(number) => Json::from(*number),
            Value::Decimal(number) => number.to_f64().map_or(Json::Null, Json::from),
            Value::Float(number) => Json::from(*number),
            Value::Text(text) => Json::from(text.chars().take(excerpt).collect::<String>()),
            Value::Boolean(is) => Json::from(*is),
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Value::Whole(number) => Some(*number as f64),
            Value::Decimal(number) => number.to_f64(),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    fn decimal(&self) -> Option<BigDecimal> {
        match self {
            Value::Whole(number) => Some(BigDecimal::from(*number)),
            Value::Decimal(number) => Some(number.clone()),
            _ => None,
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Whole(number)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Float(number)
    }
}

impl From<&BigDecimal> for Value<'_> {
    fn from(number: &BigDecimal) -> Self {
        Value::Decimal(number.clone())
    }
}

impl<'e> From<&'e str> for Value<'e> {
    fn from(text: &'e str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}

impl From<bool> for Value<'_> {
    fn from(is: bool) -> Self {
        Value::Boolean(is)
    }
}

/// None: one of them is NULL.
pub fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Some(one.as_bytes().cmp(other.as_bytes())),
        (Value::Boolean(one), Value::Boolean(other)) => Some(one.cmp(other)),
        (Value::Whole(one), Value::Whole(other)) => Some(one.cmp(other)),
        (Value::Float(_), _) | (_, Value::Float(_)) => one.float()?.partial_cmp(&other.float()?),
        _ => Some(one.decimal()?.cmp(&other.decimal()?)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

pub fn compute<'e>(operator: Arithmetic, one: &Value, other: &Value) -> Result<Value<'e>, Failed> {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Whole(one), Value::Whole(other)) => whole(operator, *one, *other).map(Value::Whole),
        (Value::Float(_), _) | (_, Value::Float(_)) => {
            let (one, other) = one.float().zip(other.float()).ok_or(Failed)?;
            float(operator, one, other).map(Value::Float)
        }
        _ => {
            let (one, other) = one.decimal().zip(other.decimal()).ok_or(Failed)?;
            decimal(operator, one, other).map(Value::Decimal)
        }
    }
}

fn whole(operator: Arithmetic, one: i64, other: i64) -> Result<i64, Failed> {
    match operator {
        Arithmetic::Plus => one.checked_add(other),
        Arithmetic::Minus => one.checked_sub(other),
        Arithmetic::Times => one.checked_mul(other),
        Arithmetic::Divide => one.checked_div(other),
        Arithmetic::Modulo if other == -1 => Some(0),
        Arithmetic::Modulo => one.checked_rem(other),
    }
    .ok_or(Failed)
}

fn float(operator: Arithmetic, one: f64, other: f64) -> Result<f64, Failed> {
    let found = match operator {
        Arithmetic::Plus => one + other,
        Arithmetic::Minus => one - other,
        Arithmetic::Times => one * other,
        Arithmetic::Divide if other == 0.0 => return Err(Failed),
        Arithmetic::Divide => one / other,
        // Postgres has none of floats.
        Arithmetic::Modulo => return Err(Failed),
    };
    // What becomes 0 of what is none is an underflow, an error as the overflow is.
    let vanished = found == 0.0
        && matches!(operator, Arithmetic::Times | Arithmetic::Divide)
        && one != 0.0
        && other != 0.0;
    if found.is_finite() && !vanished { Ok(found) } else { Err(Failed) }
}

fn decimal(operator: Arithmetic, one: BigDecimal, other: BigDecimal) -> Result<BigDecimal, Failed> {
    let found = match operator {
        Arithmetic::Plus => one + other,
        Arithmetic::Minus => one - other,
        Arithmetic::Times => one * other,
        Arithmetic::Divide | Arithmetic::Modulo if other.is_zero() => return Err(Failed),
        Arithmetic::Divide => one / other,
        Arithmetic::Modulo => one % other,
    };
    if found.digits() > MOST_DIGITS { Err(Failed) } else { Ok(found) }
}

pub fn absolute<'e>(value: Value) -> Result<Value<'e>, Failed> {
    match value {
        Value::Whole(number) => number.checked_abs().map(Value::Whole).ok_or(Failed),
        Value::Decimal(number) => Ok(Value::Decimal(number.abs())),
        Value::Float(number) => Ok(Value::Float(number.abs())),
        _ => Ok(Value::Null),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    Integer,
    Bigint,
    Numeric,
    Double,
    Boolean,
}

impl Cast {
    pub fn kind(self) -> Kind {
        match self {
            Cast::Integer | Cast::Bigint => Kind::Whole,
            Cast::Numeric => Kind::Decimal,
            Cast::Double => Kind::Float,
            Cast::Boolean => Kind::Boolean,
        }
    }
}

/// Of a text, as of an attribute.
pub fn cast<'e>(value: &Value, to: Cast) -> Result<Value<'e>, Failed> {
    let text = match value {
        Value::Null => return Ok(Value::Null),
        Value::Text(text) => text.trim_matches(|letter| matches!(letter, ' ' | '\t'..='\r')),
        _ => return Err(Failed),
    };
    match to {
        Cast::Integer => text.parse::<i32>().map(|number| Value::Whole(number.into())).map_err(|_| Failed),
        Cast::Bigint => text.parse().map(Value::Whole).map_err(|_| Failed),
        Cast::Numeric => number(text).map(Value::Decimal).ok_or(Failed),
        Cast::Double => {
            let exact = number(text).ok_or(Failed)?;
            let float: f64 = text.parse().map_err(|_| Failed)?;
            let vanished = float == 0.0 && !exact.is_zero();
            if float.is_finite() && !vanished { Ok(Value::Float(float)) } else { Err(Failed) }
        }
        Cast::Boolean => boolean(text).map(Value::Boolean).ok_or(Failed),
    }
}

/// A decimal number; None: none, or one that is too long.
pub fn number(text: &str) -> Option<BigDecimal> {
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (front, back) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_fine = front.bytes().chain(back.bytes()).all(|byte| byte.is_ascii_digit())
        && front.len() + back.len() > 0
        && exponent.parse::<i64>().is_ok_and(|exponent| exponent.abs() <= GREATEST_EXPONENT);
    if is_fine { text.strip_prefix('+').unwrap_or(text).parse().ok() } else { None }
}

/// As Postgres reads one: any beginning of these words that is of one of them alone.
fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(text.as_str());
    if begins("true", 1) || begins("yes", 1) || text == "on" || text == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}
