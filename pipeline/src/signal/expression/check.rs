//! From SQL's syntax to the tree that is evaluated: what is not listed here is refused.

use regex::Regex;
use sqlparser::ast::{
    BinaryOperator, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    Spanned, UnaryOperator, Value as Literal,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::columns::{self, Column};
use super::path::{Path, Step};
use super::value::{self, Arithmetic, Cast, Kind, Value};
use super::{DEEPEST, LONGEST, MOST_NODES, matching};

#[derive(Debug)]
pub enum Node {
    Literal(Value<'static>),
    Column(&'static Column),
    Path(Path),
    Json(Path),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    IsDistinct(Box<Node>, Box<Node>),
    IsNull(Box<Node>),
    /// IS TRUE, IS FALSE, IS UNKNOWN.
    Is(Box<Node>, Option<bool>),
    In(Box<Node>, Vec<Node>),
    Match(Box<Node>, Regex),
    Compute(Arithmetic, Box<Node>, Box<Node>),
    Cast(Box<Node>, Cast),
    Call(Function, Vec<Node>, Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Abs,
    Coalesce,
    Greatest,
    Least,
    Length,
    Lower,
    Nullif,
    StartsWith,
    Trim,
    Upper,
}

/// Each with the least and the most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 10] = [
    ("abs", Function::Abs, 1, 1),
    ("coalesce", Function::Coalesce, 1, 10),
    ("greatest", Function::Greatest, 1, 10),
    ("least", Function::Least, 1, 10),
    ("length", Function::Length, 1, 1),
    ("lower", Function::Lower, 1, 1),
    ("nullif", Function::Nullif, 2, 2),
    ("starts_with", Function::StartsWith, 2, 2),
    ("btrim", Function::Trim, 1, 1),
    ("upper", Function::Upper, 1, 1),
];

/// A column or a path of attributes that an expression names, the path as it is written.
#[derive(Debug)]
pub enum Used {
    Column(&'static Column),
    Path(Path, String),
}

type Checked = (Node, Kind);

/// Err: what is not allowed, and where.
pub fn parse(text: &str) -> Result<(Node, Vec<Used>), String> {
    if text.trim().is_empty() {
        return Err("expression is empty".into());
    }
    if text.len() > LONGEST {
        return Err(format!("expression is longer than {LONGEST} bytes"));
    }
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(DEEPEST).try_with_sql(text);
    let wrong = |error| format!("expression is no SQL expression: {error}");
    let mut parser = parser.map_err(wrong)?;
    let parsed = parser.parse_expr().map_err(wrong)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        return Err(format!(
            "expression must be one condition: {} at character {} of line {} does not belong to it",
            rest.token, rest.span.start.column, rest.span.start.line
        ));
    }
    let mut checker = Checker { used: Vec::new(), nodes: 0 };
    let node = checker.condition(&parsed, 0)?;
    Ok((node, checker.used))
}

struct Checker {
    used: Vec<Used>,
    nodes: usize,
}

/// What is wrong, with the part that it is.
fn refuse<T>(expression: &Expr, what: impl AsRef<str>) -> Result<T, String> {
    let written: String = expression.to_string().chars().take(60).collect();
    let start = expression.span().start;
    let place = if start.line > 0 {
        format!(" at character {} of line {}", start.column, start.line)
    } else {
        String::new()
    };
    Err(format!("expression: {} (in `{written}`{place})", what.as_ref()))
}

impl Checker {
    fn condition(&mut self, expression: &Expr, depth: usize) -> Result<Node, String> {
        match self.check(expression, depth)? {
            (node, Kind::Boolean | Kind::Null) => Ok(node),
            (_, kind) => refuse(expression, format!("a condition is expected, and this is {}", kind.name())),
        }
    }

    fn text(&mut self, expression: &Expr, depth: usize) -> Result<Node, String> {
        match self.check(expression, depth)? {
            (node, Kind::Text | Kind::Null) => Ok(node),
            (_, kind) => refuse(expression, format!("a text is expected, and this is {}", kind.name())),
        }
    }

    fn check(&mut self, expression: &Expr, depth: usize) -> Result<Checked, String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("expression has more than {MOST_NODES} parts"));
        }
        // Chains of AND and OR nest to the left: they are as deep as they have parts.
        if depth > MOST_NODES {
            return Err("expression is nested too deeply".into());
        }
        let inner = depth + 1;
        let boolean = |node| Ok((node, Kind::Boolean));
        match expression {
            Expr::Nested(nested) => self.check(nested, inner),
            Expr::Identifier(name) => self.column(expression, name),
            Expr::Value(value) => literal(expression, &value.value),
            Expr::BinaryOp { left, op, right } => self.binary(expression, left, op, right, inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                boolean(Node::Not(Box::new(self.condition(expr, inner)?)))
            }
            Expr::UnaryOp { op: sign @ (UnaryOperator::Minus | UnaryOperator::Plus), expr } => {
                let (node, kind) = self.check(expr, inner)?;
                if !kind.is_number() && kind != Kind::Null {
                    return refuse(expression, format!("a sign is before {}", kind.name()));
                }
                if *sign == UnaryOperator::Plus {
                    return Ok((node, kind));
                }
                let zero = Box::new(Node::Literal(Value::Whole(0)));
                Ok((Node::Compute(Arithmetic::Minus, zero, Box::new(node)), kind))
            }
            Expr::IsNull(of) => boolean(Node::IsNull(Box::new(self.check(of, inner)?.0))),
            Expr::IsNotNull(of) => boolean(not(Node::IsNull(Box::new(self.check(of, inner)?.0)))),
            Expr::IsTrue(of) => boolean(Node::Is(Box::new(self.condition(of, inner)?), Some(true))),
            Expr::IsNotTrue(of) => boolean(not(Node::Is(Box::new(self.condition(of, inner)?), Some(true)))),
            Expr::IsFalse(of) => boolean(Node::Is(Box::new(self.condition(of, inner)?), Some(false))),
            Expr::IsNotFalse(of) => boolean(not(Node::Is(Box::new(self.condition(of, inner)?), Some(false)))),
            Expr::IsUnknown(of) => boolean(Node::Is(Box::new(self.condition(of, inner)?), None)),
            Expr::IsNotUnknown(of) => boolean(not(Node::Is(Box::new(self.condition(of, inner)?), None))),
            Expr::IsDistinctFrom(one, other) => boolean(self.distinct(expression, one, other, inner)?),
            Expr::IsNotDistinctFrom(one, other) => {
                boolean(not(self.distinct(expression, one, other, inner)?))
            }
            Expr::InList { expr, list, negated } => {
                let (node, mut kind) = self.check(expr, inner)?;
                let mut nodes = Vec::with_capacity(list.len());
                for item in list {
                    let (item, of) = self.check(item, inner)?;
                    kind = together(expression, kind, of)?;
                    nodes.push(item);
                }
                boolean(not_if(*negated, Node::In(Box::new(node), nodes)))
            }
            Expr::Between { expr, negated, low, high } => {
                let least = self.compared(expression, Comparison::AtLeast, expr, low, inner)?;
                let most = self.compared(expression, Comparison::AtMost, expr, high, inner)?;
                boolean(not_if(*negated, Node::And(Box::new(least), Box::new(most))))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                boolean(self.matches(*negated, expr, pattern, |text| matching::like(text, false), inner)?)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                boolean(self.matches(*negated, expr, pattern, |text| matching::like(text, true), inner)?)
            }
            Expr::Cast { expr, data_type, format: None, .. } => {
                let Some(cast) = cast_to(data_type) else {
                    return refuse(
                        expression,
                        "a cast is to integer, bigint, numeric, double precision or boolean",
                    );
                };
                Ok((Node::Cast(Box::new(self.text(expr, inner)?), cast), cast.kind()))
            }
            Expr::Function(call) => self.call(expression, call, inner),
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                refuse(expression, "it can't query anything: it sees the event alone")
            }
            Expr::CompoundIdentifier(_) => {
                refuse(expression, "a column is named without its table, and nothing else can be named")
            }
            _ => refuse(expression, "this is not among what a rule may say (docs/signals.md)"),
        }
    }

    fn column(&mut self, expression: &Expr, name: &Ident) -> Result<Checked, String> {
        let written = match name.quote_style {
            None => name.value.to_lowercase(),
            Some(_) => name.value.clone(),
        };
        if written == "attributes" {
            return Ok((Node::Json(Path::default()), Kind::Json));
        }
        let Some(column) = columns::find(&written) else {
            return refuse(
                expression,
                format!("there is no column {written}; there are {}", columns::names()),
            );
        };
        let is_known = |used: &Used| matches!(used, Used::Column(known) if known.name == column.name);
        if !self.used.iter().any(is_known) {
            self.used.push(Used::Column(column));
        }
        Ok((Node::Column(column), column.kind))
    }

    fn binary(
        &mut self,
        expression: &Expr,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
        depth: usize,
    ) -> Result<Checked, String> {
        use BinaryOperator as Op;
        let comparison = match operator {
            Op::Eq => Some(Comparison::Equal),
            Op::NotEq => Some(Comparison::Differs),
            Op::Lt => Some(Comparison::Less),
            Op::LtEq => Some(Comparison::AtMost),
            Op::Gt => Some(Comparison::Greater),
            Op::GtEq => Some(Comparison::AtLeast),
            _ => None,
        };
        if let Some(comparison) = comparison {
            return Ok((self.compared(expression, comparison, left, right, depth)?, Kind::Boolean));
        }
        let arithmetic = match operator {
            Op::Plus => Some(Arithmetic::Plus),
            Op::Minus => Some(Arithmetic::Minus),
            Op::Multiply => Some(Arithmetic::Times),
            Op::Divide => Some(Arithmetic::Divide),
            Op::Modulo => Some(Arithmetic::Modulo),
            _ => None,
        };
        if let Some(arithmetic) = arithmetic {
            let ((left, one), (right, other)) = (self.check(left, depth)?, self.check(right, depth)?);
            let kind = together(expression, one, other)?;
            if !kind.is_number() && kind != Kind::Null {
                return refuse(expression, format!("numbers are computed with, and this is {}", kind.name()));
            }
            if arithmetic == Arithmetic::Modulo && kind == Kind::Float {
                return refuse(expression, "% is of whole and decimal numbers alone");
            }
            return Ok((Node::Compute(arithmetic, Box::new(left), Box::new(right)), kind));
        }
        let regular = |text: &str| matching::regular(text, false);
        let any_case = |text: &str| matching::regular(text, true);
        let node = match operator {
            Op::And => {
                Node::And(Box::new(self.condition(left, depth)?), Box::new(self.condition(right, depth)?))
            }
            Op::Or => {
                Node::Or(Box::new(self.condition(left, depth)?), Box::new(self.condition(right, depth)?))
            }
            Op::PGRegexMatch => self.matches(false, left, right, regular, depth)?,
            Op::PGRegexNotMatch => self.matches(true, left, right, regular, depth)?,
            Op::PGRegexIMatch => self.matches(false, left, right, any_case, depth)?,
            Op::PGRegexNotIMatch => self.matches(true, left, right, any_case, depth)?,
            Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow => {
                return self.path(expression, left, operator, right, depth);
            }
            _ => {
                return refuse(
                    expression,
                    format!("the operator {operator} is not among what a rule may say"),
                );
            }
        };
        Ok((node, Kind::Boolean))
    }

    fn path(
        &mut self,
        expression: &Expr,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
        depth: usize,
    ) -> Result<Checked, String> {
        let (Node::Json(mut path), _) = self.check(left, depth)? else {
            return refuse(expression, "-> and ->> are of attributes, and of what -> gives");
        };
        let is_list = matches!(operator, BinaryOperator::HashArrow | BinaryOperator::HashLongArrow);
        let (sign, key) = match right {
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => (-1, expr.as_ref()),
            other => (1, other),
        };
        let key = if let Expr::Value(value) = key { Some(&value.value) } else { None };
        match key {
            Some(Literal::SingleQuotedString(list)) if is_list && sign > 0 => {
                path.0.extend(steps(expression, list)?);
            }
            Some(Literal::SingleQuotedString(key)) if sign > 0 => path.0.push(Step::Key(key.clone())),
            Some(Literal::Number(index, false)) if !is_list && index.parse::<i32>().is_ok() => {
                path.0.push(Step::Index(sign * index.parse::<i64>().unwrap_or_default()));
            }
            _ => return refuse(expression, "a key is a text in quotes, an index a number"),
        }
        if matches!(operator, BinaryOperator::Arrow | BinaryOperator::HashArrow) {
            return Ok((Node::Json(path), Kind::Json));
        }
        let is_known = |used: &Used| matches!(used, Used::Path(known, _) if *known == path);
        if !self.used.iter().any(is_known) {
            self.used.push(Used::Path(path.clone(), expression.to_string()));
        }
        Ok((Node::Path(path), Kind::Text))
    }

    fn compared(
        &mut self,
        expression: &Expr,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
        depth: usize,
    ) -> Result<Node, String> {
        let ((left, one), (right, other)) = (self.check(left, depth)?, self.check(right, depth)?);
        let kind = together(expression, one, other)?;
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::Differs);
        if kind == Kind::Text && is_order {
            return refuse(
                expression,
                "which text is less depends on the database's collation: cast it to a number, or use =, IN, LIKE",
            );
        }
        Ok(Node::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn distinct(
        &mut self,
        expression: &Expr,
        one: &Expr,
        other: &Expr,
        depth: usize,
    ) -> Result<Node, String> {
        // The parser takes whatever follows for what it is compared with, Postgres no condition.
        let is_condition = match other {
            Expr::Identifier(_)
            | Expr::Value(_)
            | Expr::Nested(_)
            | Expr::Function(_)
            | Expr::Cast { .. } => false,
            Expr::UnaryOp { op, .. } => *op == UnaryOperator::Not,
            Expr::BinaryOp { op, .. } => !matches!(
                op,
                BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::Divide
                    | BinaryOperator::Modulo
                    | BinaryOperator::LongArrow
                    | BinaryOperator::HashLongArrow
            ),
            _ => true,
        };
        if is_condition {
            return refuse(
                expression,
                "write (… IS DISTINCT FROM …) in parentheses, and what it is compared with, too",
            );
        }
        let ((one, of), (other, with)) = (self.check(one, depth)?, self.check(other, depth)?);
        together(expression, of, with)?;
        Ok(Node::IsDistinct(Box::new(one), Box::new(other)))
    }

    fn matches(
        &mut self,
        negated: bool,
        of: &Expr,
        pattern: &Expr,
        compile: impl Fn(&str) -> Result<Regex, String>,
        depth: usize,
    ) -> Result<Node, String> {
        let node = self.text(of, depth)?;
        let Expr::Value(value) = pattern else { return refuse(pattern, "a pattern is a text in quotes") };
        let Literal::SingleQuotedString(text) = &value.value else {
            return refuse(pattern, "a pattern is a text in quotes");
        };
        match compile(text) {
            Ok(regex) => Ok(not_if(negated, Node::Match(Box::new(node), regex))),
            Err(what) => refuse(pattern, what),
        }
    }

    fn call(
        &mut self,
        expression: &Expr,
        call: &sqlparser::ast::Function,
        depth: usize,
    ) -> Result<Checked, String> {
        let named = match call.name.0.as_slice() {
            [part] => part.as_ident().filter(|name| name.quote_style.is_none()),
            _ => None,
        };
        let named = named.map(|name| name.value.to_lowercase()).unwrap_or_default();
        let Some((name, function, least, most)) = FUNCTIONS.iter().find(|(name, ..)| *name == named) else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
            return refuse(expression, format!("functions are {}", names.join(", ")));
        };
        let plain = !call.uses_odbc_syntax
            && matches!(call.parameters, FunctionArguments::None)
            && call.filter.is_none()
            && call.null_treatment.is_none()
            && call.over.is_none()
            && call.within_group.is_empty();
        let arguments = match &call.args {
            FunctionArguments::List(list)
                if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
            {
                &list.args
            }
            _ => return refuse(expression, format!("{name} is called with arguments alone")),
        };
        if !(*least..=*most).contains(&arguments.len()) {
            return refuse(expression, format!("{name} has {least} to {most} arguments"));
        }
        let mut nodes = Vec::with_capacity(arguments.len());
        let mut kinds = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else {
                return refuse(expression, format!("{name} is called with values alone"));
            };
            let (node, kind) = self.check(argument, depth)?;
            nodes.push(node);
            kinds.push(kind);
        }
        let mut kind = Kind::Null;
        for of in &kinds {
            kind = together(expression, kind, *of)?;
        }
        let (fits, gives) = match function {
            Function::Abs => (kind.is_number(), kind),
            Function::Greatest | Function::Least => (kind.is_number(), kind),
            Function::Coalesce => (kind != Kind::Json, kind),
            Function::Nullif => (kind != Kind::Json, kinds.first().copied().unwrap_or(kind)),
            Function::Length => (kind == Kind::Text, Kind::Whole),
            Function::Lower | Function::Upper | Function::Trim => (kind == Kind::Text, Kind::Text),
            Function::StartsWith => (kind == Kind::Text, Kind::Boolean),
        };
        if !fits && kind != Kind::Null {
            return refuse(expression, format!("{name} is not of {}", kind.name()));
        }
        Ok((Node::Call(*function, nodes, gives), gives))
    }
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

fn not_if(negated: bool, node: Node) -> Node {
    if negated { not(node) } else { node }
}

fn together(expression: &Expr, one: Kind, other: Kind) -> Result<Kind, String> {
    match one.with(other) {
        Some(Kind::Json) => refuse(expression, "of jsonb only IS NULL can be asked: ->> gives the text"),
        Some(kind) => Ok(kind),
        None => refuse(
            expression,
            format!("{} and {} can't come together: cast one of them", one.name(), other.name()),
        ),
    }
}

fn literal(expression: &Expr, value: &Literal) -> Result<Checked, String> {
    Ok(match value {
        Literal::Number(digits, false) => match digits.parse::<i64>() {
            Ok(number) => (Node::Literal(Value::Whole(number)), Kind::Whole),
            Err(_) => match value::number(digits) {
                Some(number) => (Node::Literal(Value::Decimal(number)), Kind::Decimal),
                None => return refuse(expression, "this number is too long"),
            },
        },
        Literal::SingleQuotedString(text) => (Node::Literal(Value::from(text.clone())), Kind::Text),
        Literal::Boolean(is) => (Node::Literal(Value::Boolean(*is)), Kind::Boolean),
        Literal::Null => (Node::Literal(Value::Null), Kind::Null),
        _ => return refuse(expression, "a value is a number, a text in single quotes, true, false or NULL"),
    })
}

/// Keys and indexes of `{a,0,b}`.
fn steps(expression: &Expr, list: &str) -> Result<Vec<Step>, String> {
    let inner = list.strip_prefix('{').and_then(|list| list.strip_suffix('}'));
    let is_plain = |step: &str| {
        !step.is_empty()
            && step.trim() == step
            && !step.contains(['{', '}', '"', '\\'])
            && !step.eq_ignore_ascii_case("null")
    };
    let steps = inner.map(|inner| inner.split(',').collect::<Vec<_>>()).unwrap_or_default();
    if steps.is_empty() || !steps.iter().all(|step| is_plain(step)) {
        return refuse(expression, "a path is written {key,key}, without quotes and spaces");
    }
    Ok(steps.into_iter().map(|step| Step::Either(step.to_owned())).collect())
}

fn cast_to(data_type: &DataType) -> Option<Cast> {
    Some(match data_type {
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => Cast::Integer,
        DataType::BigInt(None) | DataType::Int8(None) => Cast::Bigint,
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => Cast::Numeric,
        DataType::DoublePrecision | DataType::Float8 => Cast::Double,
        DataType::Bool | DataType::Boolean => Cast::Boolean,
        _ => return None,
    })
}
