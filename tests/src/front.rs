//! An HTTP front that serves the schema as PostgREST 14 to 16 does: the same statements in the same order in one transaction, the
//! same choice of a function by media type, the same answers. PostgREST itself is no crate or package that a test could install.
//!
//! It knows `POST` and `GET /rpc/<function>` and `GET /<view>` with `select`, `limit` and `eq.` filters, answers in JSON and by functions of a media type, and the
//! media types json, text and octet-stream of bodies. What else PostgREST knows is answered with 501, so that no test takes
//! the front's ignorance for PostgREST's word. It unpacks no compressed body and limits no body's size, as PostgREST.

mod fault;
mod payload;
mod routine;
mod view;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Row, Transaction};
use serde_json::{Map, Value, json};

use fault::Fault;
use payload::Payload;

/// What PostgREST's configuration file would say.
#[derive(Clone)]
pub struct FrontConfig {
    /// db-uri: the login, an authenticator.
    pub database: Config,
    /// db-schemas, one.
    pub schema: String,
    /// db-anon-role: the role of each request. There are no JWTs here.
    pub role: String,
    /// db-pre-request, a function of the schema without arguments.
    pub pre_request: Option<String>,
}

impl FrontConfig {
    /// Each request is this login's own, in schema observa.
    pub fn of(database: Config) -> FrontConfig {
        let role = database.get_user().unwrap_or("postgres").to_owned();
        FrontConfig { database, schema: "observa".into(), role, pre_request: None }
    }
}

/// A running front. It ends with the value.
pub struct Front {
    pub address: SocketAddr,
    state: Arc<State>,
    _server: crate::serving::Server,
}

impl Front {
    pub fn start(config: FrontConfig) -> Front {
        let state = Arc::new(State { config, pool: Mutex::new(Vec::new()) });
        let served = state.clone();
        let app = axum::Router::new().fallback(move |request: Request<Body>| serve(served.clone(), request));
        let server = crate::serving::Server::start(app);
        Front { address: server.address, state, _server: server }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Here, and not where the runtime drops its tasks: closing a connection blocks.
        self.state.pool.lock().expect("no holder panics").clear();
    }
}

struct State {
    config: FrontConfig,
    /// Connections that are free: as PostgREST's pool, one serves many requests, one after the other.
    pool: Mutex<Vec<Client>>,
}

/// A request, read whole.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// What the main query says.
struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// None: no content.
    body: Option<String>,
}

async fn serve(state: Arc<State>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return respond(Err(Fault::new(StatusCode::BAD_REQUEST, "PGRST102", "the body broke off")));
    };
    let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    // The driver blocks.
    let answered = tokio::task::spawn_blocking(move || state.answer(&asked)).await;
    respond(answered.unwrap_or_else(|_| {
        Err(Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "FRONT", "the front panicked"))
    }))
}

fn respond(answered: Result<Answer, Fault>) -> Response<Body> {
    let (status, headers, body) = match answered {
        Ok(answer) => (answer.status, answer.headers, answer.body),
        Err(fault) => fault.into_parts(),
    };
    let mut response = Response::new(Body::from(body.clone().unwrap_or_default()));
    *response.status_mut() = status;
    if body.is_some() {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

impl State {
    fn answer(&self, asked: &Asked) -> Result<Answer, Fault> {
        let free = self.pool.lock().expect("no holder panics").pop();
        let mut client = match free {
            Some(client) => client,
            None => self.config.database.connect(NoTls).map_err(|error| {
                Fault::new(StatusCode::SERVICE_UNAVAILABLE, "PGRST000", &format!("no connection: {error}"))
            })?,
        };
        let answered = self.ask(&mut client, asked);
        if !client.is_closed() {
            self.pool.lock().expect("no holder panics").push(client);
        }
        answered
    }

    fn ask(&self, client: &mut Client, asked: &Asked) -> Result<Answer, Fault> {
        without_token(&asked.headers)?;
        let schema = &self.config.schema;
        let path = asked.uri.path().trim_matches('/');
        if let Some(name) = path.strip_prefix("rpc/") {
            let payload = match asked.method {
                Method::POST => Payload::of_body(&asked.headers, &asked.body)?,
                Method::GET => Payload::of_query(asked.uri.query().unwrap_or_default())?,
                _ => return Err(unsupported_method(&asked.method)),
            };
            let called = routine::find(client, schema, name, &payload)?;
            let media = called.media.as_deref();
            accepts(&asked.headers, media.unwrap_or(JSON))?;
            let read_only = asked.method == Method::GET || !called.volatile;
            let (query, body) = called.query(&payload);
            let mut answer = self.transaction(client, asked, &called.settings, read_only, &query, body)?;
            if let Some(media) = media {
                let said = HeaderValue::from_str(&format!("{media}; charset=utf-8")).expect("a media type");
                answer.headers.push((header::CONTENT_TYPE, said));
            }
            return Ok(if called.is_void() {
                let unsaid = answer.status == StatusCode::OK;
                Answer {
                    status: if unsaid { StatusCode::NO_CONTENT } else { answer.status },
                    body: None,
                    ..answer
                }
            } else {
                answer
            });
        }
        accepts(&asked.headers, JSON)?;
        if asked.method != Method::GET {
            return Err(unsupported_method(&asked.method));
        }
        let query = view::query(client, schema, path, asked.uri.query().unwrap_or_default())?;
        self.transaction(client, asked, &[], true, &query, None)
    }

    fn transaction(
        &self,
        client: &mut Client,
        asked: &Asked,
        function_settings: &[(String, String)],
        read_only: bool,
        query: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, Fault> {
        let begin = client.build_transaction().isolation_level(postgres::IsolationLevel::ReadCommitted);
        let mut transaction = begin.read_only(read_only).start().map_err(Fault::from)?;
        let answered = self.run(&mut transaction, asked, function_settings, query, body);
        match answered {
            Ok(answer) => transaction.commit().map_err(Fault::from).map(|()| answer),
            Err(fault) => Err(fault),
        }
    }

    fn run(
        &self,
        transaction: &mut Transaction,
        asked: &Asked,
        function_settings: &[(String, String)],
        query: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, Fault> {
        let FrontConfig { schema, role, pre_request, .. } = &self.config;
        let (headers, cookies) = headers_and_cookies(&asked.headers);
        let mut settings: Vec<(&str, String)> = vec![
            // db-extra-search-path is `public` by default.
            ("search_path", format!("{}, \"public\"", quoted(schema))),
            ("role", role.clone()),
            ("request.jwt.claims", json!({ "role": role }).to_string()),
            ("request.method", asked.method.to_string()),
            ("request.path", asked.uri.path().to_owned()),
            ("request.headers", headers.to_string()),
            ("request.cookies", cookies.to_string()),
        ];
        settings.extend(function_settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let calls: Vec<String> = (1..=settings.len())
            .map(|n| format!("set_config('{}', ${n}, true)", settings[n - 1].0))
            .collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            settings.iter().map(|(_, value)| value as &(dyn ToSql + Sync)).collect();
        transaction.query(&format!("select {}", calls.join(", ")), &values).map_err(Fault::from)?;
        if let Some(function) = pre_request {
            let call = format!("select {}.{}()", quoted(schema), quoted(function));
            transaction.query(&call, &[]).map_err(Fault::from)?;
        }
        let body = body.map(Raw);
        let parameters: Vec<&(dyn ToSql + Sync)> = body.iter().map(|raw| raw as _).collect();
        let row = transaction.query_one(query, &parameters).map_err(Fault::from)?;
        answer_of(&row)
    }
}

/// From the columns that each main query of PostgREST's has.
fn answer_of(row: &Row) -> Result<Answer, Fault> {
    let total: i64 = row.get("page_total");
    let range = if total == 0 { "*/*".to_owned() } else { format!("0-{}/*", total - 1) };
    let mut headers = vec![(header::CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits"))];
    let server_error = |code, message: &str| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, code, message);
    if let Some(Text(said)) = row.get::<_, Option<Text>>("response_headers") {
        let wrong = || {
            server_error(
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            )
        };
        let said: Vec<Map<String, Value>> = serde_json::from_str(&said).map_err(|_| wrong())?;
        for one in said {
            let (name, value) = one.iter().next().filter(|_| one.len() == 1).ok_or_else(wrong)?;
            let value = value.as_str().ok_or_else(wrong)?;
            let name = name.to_lowercase().parse::<HeaderName>().map_err(|_| wrong())?;
            headers.push((name, HeaderValue::from_str(value).map_err(|_| wrong())?));
        }
    }
    let mut status = StatusCode::OK;
    if let Some(Text(said)) = row.get::<_, Option<Text>>("response_status") {
        let code = said.parse::<u16>().ok().and_then(|code| StatusCode::from_u16(code).ok());
        status =
            code.ok_or_else(|| server_error("PGRST112", "response.status guc must be a valid status code"))?;
    }
    let Text(body) = row.get::<_, Option<Text>>("body").unwrap_or_default();
    Ok(Answer { status, headers, body: Some(body) })
}

fn unsupported_method(method: &Method) -> Fault {
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "PGRST117", &format!("Unsupported HTTP method: {method}"))
}

/// A bearer token is a JWT for PostgREST, and without jwt-secret it can read none.
fn without_token(headers: &HeaderMap) -> Result<(), Fault> {
    let bears = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"bearer ");
    match headers.get(header::AUTHORIZATION).is_some_and(bears) {
        true => Err(Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "PGRST300", "Server lacks JWT secret")),
        false => Ok(()),
    }
}

/// What views and most functions answer in.
const JSON: &str = "application/json";

/// The front answers in one media type.
fn accepts(headers: &HeaderMap, media: &str) -> Result<(), Fault> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let named = |range: &str| range.split(';').next().unwrap_or_default().trim().to_lowercase();
    let fits = accept
        .split(',')
        .map(named)
        .any(|range| range == "*/*" || range == media || range == "application/*" && media == JSON);
    let message = format!("None of these media types are available: {accept}");
    fits.then_some(()).ok_or_else(|| Fault::new(StatusCode::NOT_ACCEPTABLE, "PGRST107", &message))
}

/// `request.headers` with lower-case keys and without cookies, and `request.cookies`.
fn headers_and_cookies(headers: &HeaderMap) -> (Value, Value) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut cookies = Map::new();
    let mut others = Map::new();
    for (name, value) in headers {
        if name == header::COOKIE {
            for pair in text(value).split(';') {
                if let Some((name, value)) = pair.trim().split_once('=') {
                    cookies.insert(name.to_owned(), json!(value));
                }
            }
        } else {
            others.insert(name.as_str().to_owned(), json!(text(value)));
        }
    }
    (Value::Object(others), Value::Object(cookies))
}

/// An identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A literal of unknown type, as PostgREST's parameters are.
fn literal(text: &str) -> String {
    let text = text.split('\0').next().unwrap_or_default();
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A body as it came, for a parameter of type json, text or bytea: their binary forms are the bytes. That of jsonb begins
/// with a version.
#[derive(Debug)]
struct Raw<'a>(&'a [u8]);

impl ToSql for Raw<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        if *of == Type::JSONB {
            out.extend_from_slice(&[1]);
        }
        out.extend_from_slice(self.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        [Type::JSON, Type::JSONB, Type::TEXT, Type::BYTEA].contains(of)
    }

    to_sql_checked!();
}

/// A value whose binary form is its text.
#[derive(Default)]
struct Text(String);

impl FromSql<'_> for Text {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Text, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Text(String::from_utf8(raw.to_vec())?))
    }

    fn accepts(of: &Type) -> bool {
        [Type::JSON, Type::TEXT].contains(of)
    }
}
