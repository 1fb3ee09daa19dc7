//! SQL's three-valued logic over one event.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Row;
use super::check::{Comparison, Function, Node};
use super::value::{self, Failed, Kind, Value};

pub fn truth(node: &Node, row: Row) -> Option<bool> {
    evaluate(node, row).ok()?.boolean()
}

fn evaluate<'e>(node: &'e Node, row: Row<'e, '_>) -> Result<Value<'e>, Failed> {
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Column(column) => (column.value)(row),
        Node::Json(path) => path.raw(row.event).map_or(Value::Null, |_| Value::Json),
        Node::Path(path) => path.text(row.event)?.map_or(Value::Null, Value::Text),
        Node::And(one, other) => both(one, other, row, false)?,
        Node::Or(one, other) => both(one, other, row, true)?,
        Node::Not(inner) => Value::of(evaluate(inner, row)?.boolean().map(|is| !is)),
        Node::Compare(comparison, one, other) => {
            let (one, other) = (evaluate(one, row)?, evaluate(other, row)?);
            Value::of(compare(*comparison, &one, &other))
        }
        Node::IsDistinct(one, other) => {
            let (one, other) = (evaluate(one, row)?, evaluate(other, row)?);
            Value::from(match (one.is_null(), other.is_null()) {
                (false, false) => value::compare(&one, &other) != Some(Ordering::Equal),
                (one, other) => one != other,
            })
        }
        Node::IsNull(inner) => Value::from(evaluate(inner, row)?.is_null()),
        Node::Is(inner, wanted) => Value::from(evaluate(inner, row)?.boolean() == *wanted),
        Node::In(inner, list) => {
            let wanted = evaluate(inner, row)?;
            let mut found = Some(false);
            for one in list {
                match compare(Comparison::Equal, &wanted, &evaluate(one, row)?) {
                    Some(true) => return Ok(Value::from(true)),
                    Some(false) => {}
                    None => found = None,
                }
            }
            Value::of(found)
        }
        Node::Match(inner, regex) => {
            let value = evaluate(inner, row)?;
            (row.pause)();
            Value::of(value.text().map(|text| regex.is_match(text)))
        }
        Node::Compute(operator, one, other) => {
            value::compute(*operator, &evaluate(one, row)?, &evaluate(other, row)?)?
        }
        Node::Cast(inner, to) => value::cast(&evaluate(inner, row)?, *to)?,
        Node::Call(function, arguments, kind) => call(*function, arguments, *kind, row)?,
    })
}

/// AND and OR: from left to right, as Postgres goes, and no further than it has to. `decides`: what ends it.
fn both<'e>(one: &'e Node, other: &'e Node, row: Row<'e, '_>, decides: bool) -> Result<Value<'e>, Failed> {
    let one = evaluate(one, row)?.boolean();
    if one == Some(decides) {
        return Ok(Value::from(decides));
    }
    let other = evaluate(other, row)?.boolean();
    Ok(if other == Some(decides) { Value::from(decides) } else { Value::of(one.and(other)) })
}

fn compare(comparison: Comparison, one: &Value, other: &Value) -> Option<bool> {
    let ordering = value::compare(one, other)?;
    Some(match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::Differs => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::AtMost => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::AtLeast => ordering.is_ge(),
    })
}

fn call<'e>(
    function: Function,
    arguments: &'e [Node],
    kind: Kind,
    row: Row<'e, '_>,
) -> Result<Value<'e>, Failed> {
    let mut values = arguments.iter().map(|argument| evaluate(argument, row));
    let mut next = || values.next().unwrap_or(Ok(Value::Null));
    let in_case = |value: &Value, change: fn(&str) -> String| Value::of(value.text().map(change));
    Ok(match function {
        Function::Coalesce => {
            for value in values {
                let value = value?;
                if !value.is_null() {
                    return convert(value, kind);
                }
            }
            Value::Null
        }
        Function::Nullif => {
            let (one, other) = (next()?, next()?);
            if value::compare(&one, &other) == Some(Ordering::Equal) { Value::Null } else { one }
        }
        Function::Greatest | Function::Least => {
            let wanted = if function == Function::Greatest { Ordering::Greater } else { Ordering::Less };
            let mut best = Value::Null;
            for value in values {
                let value = value?;
                if best.is_null() || value::compare(&value, &best) == Some(wanted) {
                    best = value;
                }
            }
            convert(best, kind)?
        }
        Function::Abs => value::absolute(next()?)?,
        Function::Length => {
            let length = next()?.text().map(|text| i64::try_from(text.chars().count()).unwrap_or(i64::MAX));
            Value::of(length)
        }
        Function::Lower => in_case(&next()?, str::to_lowercase),
        Function::Upper => in_case(&next()?, str::to_uppercase),
        Function::StartsWith => {
            let (text, front) = (next()?, next()?);
            Value::of(text.text().zip(front.text()).map(|(text, front)| text.starts_with(front)))
        }
        Function::Trim => match next()? {
            Value::Text(Cow::Borrowed(text)) => Value::from(text.trim_matches(' ')),
            Value::Text(Cow::Owned(text)) => Value::from(text.trim_matches(' ').to_owned()),
            _ => Value::Null,
        },
    })
}

/// Numbers of several kinds become one before anything is computed with them.
fn convert(value: Value, kind: Kind) -> Result<Value, Failed> {
    if kind.is_number() && !value.is_null() {
        let zero = match kind {
            Kind::Whole => Value::Whole(0),
            Kind::Float => Value::Float(0.0),
            _ => Value::Decimal(0.into()),
        };
        return value::compute(value::Arithmetic::Plus, &value, &zero);
    }
    Ok(value)
}
