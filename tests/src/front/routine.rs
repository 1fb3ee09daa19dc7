//! Which function a call means, and the statement that calls it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use postgres::Client;

use super::fault::Fault;
use super::payload::Payload;
use super::{literal, quoted};

/// Functions of a name, as PostgREST's schema cache has them.
const ROUTINES: &str = "
    SELECT p.proname, p.provolatile = 'v' AS volatile, p.proretset, t.typname = 'void' AS is_void,
           CASE WHEN t.typtype = 'd' AND t.typname ~ '^[a-z0-9.-]+/[a-z0-9.+-]+$' THEN t.typname::text END AS media,
           t.typtype = 'c' OR coalesce('t' = ANY (p.proargmodes), false) OR coalesce('o' = ANY (p.proargmodes), false) AS is_composite,
           coalesce(a.names, '{}') AS names, coalesce(a.types, '{}') AS types, coalesce(a.required, '{}') AS required,
           coalesce(p.proconfig, '{}') AS config
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_type t ON t.oid = p.prorettype
    LEFT JOIN LATERAL (
        SELECT array_agg(coalesce(p.proargnames[i], '') ORDER BY i) AS names,
               array_agg(format_type(p.proargtypes[i - 1], NULL) ORDER BY i) AS types,
               array_agg(i <= p.pronargs - p.pronargdefaults ORDER BY i) AS required
        FROM generate_series(1, p.pronargs) i
    ) a ON true
    WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind = 'f'";

/// db-hoisted-tx-settings: a function's settings that already hold for its transaction.
const HOISTED: [&str; 3] =
    ["statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation"];

pub struct Routine {
    schema: String,
    name: String,
    pub volatile: bool,
    pub settings: Vec<(String, String)>,
    returns_set: bool,
    is_void: bool,
    /// A domain named as a media type is a handler: the answer is its value as it is.
    pub media: Option<String>,
    is_composite: bool,
    parameters: Vec<Parameter>,
}

struct Parameter {
    name: String,
    type_name: String,
    required: bool,
}

/// The function of the name whose parameters are the payload's keys, or else whose one unnamed parameter takes the body.
pub fn find(client: &mut Client, schema: &str, name: &str, payload: &Payload) -> Result<Routine, Fault> {
    let rows = client.query(ROUTINES, &[&schema, &name]).map_err(Fault::from)?;
    let routines = rows.iter().map(|row| {
        let names: Vec<String> = row.get("names");
        let types: Vec<String> = row.get("types");
        let required: Vec<bool> = row.get("required");
        let config: Vec<String> = row.get("config");
        let parameters = names.into_iter().zip(types).zip(required);
        Routine {
            schema: schema.to_owned(),
            name: name.to_owned(),
            volatile: row.get("volatile"),
            settings: config.iter().filter_map(|setting| hoisted(setting)).collect(),
            returns_set: row.get("proretset"),
            is_void: row.get("is_void"),
            media: row.get("media"),
            is_composite: row.get("is_composite"),
            parameters: parameters
                .map(|((name, type_name), required)| Parameter { name, type_name, required })
                .collect(),
        }
    });
    let (mut named, others): (Vec<Routine>, Vec<Routine>) =
        routines.partition(|routine| routine.takes_named(payload));
    let mut unnamed: Vec<Routine> = others.into_iter().filter(|other| other.takes_body(payload)).collect();
    let found = if named.is_empty() { &mut unnamed } else { &mut named };
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let message = format!("Could not find the function {schema}.{name} in the schema cache");
            Err(Fault::new(StatusCode::NOT_FOUND, "PGRST202", &message))
        }
        _ => {
            let message = format!("Could not choose the best candidate function between: {schema}.{name}");
            Err(Fault::new(StatusCode::MULTIPLE_CHOICES, "PGRST203", &message))
        }
    }
}

fn hoisted(setting: &str) -> Option<(String, String)> {
    let (name, value) = setting.split_once('=')?;
    HOISTED.contains(&name).then(|| (name.to_owned(), value.to_owned()))
}

impl Routine {
    pub fn is_void(&self) -> bool {
        self.is_void
    }

    fn takes_named(&self, payload: &Payload) -> bool {
        if self.parameters.is_empty() {
            return payload.keys().is_empty() && !matches!(payload, Payload::Raw { .. });
        }
        let names = |required: bool| -> BTreeSet<String> {
            self.parameters
                .iter()
                .filter(|one| one.required == required)
                .map(|one| one.name.clone())
                .collect()
        };
        let (keys, optional) = (payload.keys(), names(false));
        keys.difference(&optional).cloned().collect::<BTreeSet<_>>() == names(true)
    }

    fn takes_body(&self, payload: &Payload) -> bool {
        matches!(&self.parameters[..], [one] if one.name.is_empty() && payload.fits_unnamed(&one.type_name))
    }

    /// The main query, and its one parameter if it has one.
    pub fn query<'a>(&self, payload: &'a Payload) -> (String, Option<&'a [u8]>) {
        let scalar = !self.is_composite;
        let columns = if scalar { "pgrst_call.pgrst_scalar" } else { "*" };
        let (from, body) = self.from(payload, scalar);
        let aggregate = match (scalar, self.returns_set) {
            _ if self.media.is_some() => "coalesce(max(_postgrest_t.pgrst_scalar::text), '')",
            (true, false) => "coalesce(json_agg(_postgrest_t.pgrst_scalar)->0, 'null')",
            (true, true) => "coalesce(json_agg(_postgrest_t.pgrst_scalar), '[]')",
            (false, false) => "coalesce(json_agg(_postgrest_t)->0, 'null')",
            (false, true) => "coalesce(json_agg(_postgrest_t), '[]')",
        };
        let total = if self.returns_set { "pg_catalog.count(_postgrest_t)" } else { "1::bigint" };
        let query = format!(
            "WITH pgrst_source AS (SELECT {columns} {from}) \
             SELECT null::bigint AS total_result_set, {total} AS page_total, {aggregate} AS body, \
             nullif(current_setting('response.headers', true), '') AS response_headers, \
             nullif(current_setting('response.status', true), '') AS response_status, '' AS response_inserted \
             FROM (SELECT \"pgrst_source\".* FROM \"pgrst_source\") _postgrest_t"
        );
        (query, body)
    }

    fn from<'a>(&self, payload: &'a Payload, scalar: bool) -> (String, Option<&'a [u8]>) {
        let call = |arguments: &str| {
            let call = format!("{}.{}({arguments})", quoted(&self.schema), quoted(&self.name));
            if scalar {
                format!("(SELECT {call} pgrst_scalar) pgrst_call")
            } else {
                format!("{call} pgrst_call")
            }
        };
        if let (Payload::Raw { body, .. } | Payload::Json { body, .. }, true) =
            (payload, self.takes_body(payload))
        {
            let argument = format!("$1::{}", self.parameters[0].type_name);
            return (format!("FROM {}", call(&argument)), Some(body));
        }
        let keys = payload.keys();
        let given: Vec<&Parameter> = self.parameters.iter().filter(|one| keys.contains(&one.name)).collect();
        match payload {
            Payload::Json { body, .. } if !given.is_empty() => {
                let names: Vec<String> = given.iter().map(|one| quoted(&one.name)).collect();
                let typed: Vec<String> =
                    given.iter().map(|one| format!("{} {}", quoted(&one.name), one.type_name)).collect();
                let arguments: Vec<String> =
                    names.iter().map(|name| format!("{name} := pgrst_body.{name}")).collect();
                let record = if body.trim_ascii_start().starts_with(b"{") {
                    "json_to_record"
                } else {
                    "json_to_recordset"
                };
                let from = format!(
                    "FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT {} FROM \
                     {record}(pgrst_payload.json_data) AS _({})) pgrst_body, LATERAL {}",
                    names.join(", "),
                    typed.join(", "),
                    call(&arguments.join(", "))
                );
                (from, Some(body))
            }
            Payload::Direct(pairs) => {
                let argument = |one: &&Parameter| {
                    let value =
                        pairs.iter().find(|(name, _)| *name == one.name).map(|(_, value)| literal(value));
                    format!("{} := {}::{}", quoted(&one.name), value.unwrap_or_default(), one.type_name)
                };
                let arguments: Vec<String> = given.iter().map(argument).collect();
                (format!("FROM {}", call(&arguments.join(", "))), None)
            }
            _ => (format!("FROM {}", call("")), None),
        }
    }
}
