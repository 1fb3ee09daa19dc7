//! People who sign in with a password: accounts, sessions, and the JWTs that PostgREST verifies.

use std::sync::LazyLock;

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use jsonwebtoken::{EncodingKey, Header};
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid, uuid};
use crate::log_guard::guard_statement;
use crate::logins;
use crate::request;
use crate::settings;
use crate::storage;
use crate::tenants;

/// How long a sign-in counts.
const SESSION_S: i64 = 90 * 86_400;

/// Wrong passwords in a row that lock an account, and for how long.
const MOST_FAILURES: i32 = 5;
const LOCKED_MINUTES: i32 = 15;

/// Characters of a password.
const SHORTEST: usize = 10;
const LONGEST: usize = 512;

/// Verified where there is no account, so that an answer takes as long.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash_of("nobody's password").ok());

fn hash_of(password: &str) -> Result<String, Error> {
    let salt = SaltString::encode_b64(Uuid::new_v4().as_bytes());
    let hash = salt.and_then(|salt| {
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    hash.map_err(|error| Error::Invalid(format!("the password can't be hashed: {error}")))
}

fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn session_hash(jti: &str) -> Vec<u8> {
    Sha256::digest(jti.as_bytes()).to_vec()
}

/// In lower case; an error that does not repeat it where it is none.
fn address(email: &str) -> Result<String, Error> {
    let email = email.trim().to_lowercase();
    let is_address = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        && !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if is_address { Ok(email) } else { Err(Error::Invalid("email must be an e-mail address".into())) }
}

#[pg_extern(sql = false)]
fn signup(email: &str, password: &str, company: &str) -> JsonB {
    guard_statement();
    JsonB(or_raise(sign_up(email, password, company)))
}

fn sign_up(email: &str, password: &str, company: &str) -> Result<Value, Error> {
    storage::ensure()?;
    if !settings::allows_signup() && !identity::session_is_superuser() {
        return Err(Error::NoRight("sign up: observa.allow_signup is off"));
    }
    let email = address(email)?;
    if !(SHORTEST..=LONGEST).contains(&password.chars().count()) {
        return Err(Error::Invalid(format!("password must have {SHORTEST} to {LONGEST} characters")));
    }
    let hash = hash_of(password)?;
    let account_id = Uuid::now_v7();
    let made = Spi::connect_mut(|client| {
        client
            .update(
                "INSERT INTO observa_internal.accounts (account_id, email, password_hash, company) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (email) DO NOTHING",
                None,
                &[sql_uuid(account_id).into(), email.into(), hash.into(), company.into()],
            )
            .map(|rows| rows.len())
    })?;
    if made == 0 {
        return Err(Error::Taken("account of this e-mail address"));
    }
    let tenant_id = tenants::make(company)?;
    let deed = Deed::of("signup", "account", account_id);
    Acting::during(Acting::whole(tenant_id), || {
        Spi::run_with_args(
            "INSERT INTO observa_internal.members (tenant_id, subject, role) VALUES ($1, $2, 'owner')",
            &[sql_uuid(tenant_id).into(), account_id.to_string().into()],
        )?;
        deed.record()
    })?;
    begin_session(account_id, Some(tenant_id))
}

#[pg_extern(sql = false)]
fn login(email: &str, password: &str) -> JsonB {
    guard_statement();
    JsonB(or_raise(sign_in(email, password)))
}

fn sign_in(email: &str, password: &str) -> Result<Value, Error> {
    storage::ensure()?;
    let email = address(email).unwrap_or_default();
    let password = if password.chars().count() <= LONGEST { password } else { "" };
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/account/find.sql"), Some(1), &[email.into()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        let account = row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?);
        Ok::<_, pgrx::spi::Error>(
            account.map(|account| (account, row.get::<bool>(3), row.get::<pgrx::Uuid>(4))),
        )
    })?;
    let Some(((account, hash), locked, tenant)) = found else {
        is_password(password, NOBODYS.as_deref().unwrap_or_default());
        return wrong_password();
    };
    let (account_id, tenant_id) = (uuid(account), tenant?.map(uuid));
    // A locked account takes as long, and a right password changes nothing.
    let is_right = is_password(password, &hash) && locked? != Some(true);
    let count = if is_right {
        include_str!("../sql/account/forget_failures.sql")
    } else {
        include_str!("../sql/account/count_failure.sql")
    };
    let arguments = [account.into(), MOST_FAILURES.into(), LOCKED_MINUTES.into()];
    Spi::run_with_args(count, if is_right { &arguments[..1] } else { &arguments })?;
    if let Some(tenant_id) = tenant_id {
        let deed = Deed::of(if is_right { "login" } else { "failed_login" }, "account", account_id);
        Acting::during(Acting::whole(tenant_id), || deed.record())?;
    }
    if is_right { begin_session(account_id, tenant_id) } else { wrong_password() }
}

/// An error would take the count of failures back: over HTTP the answer says 401, and the transaction commits.
fn wrong_password() -> Result<Value, Error> {
    if request::Request::told().is_none() {
        return Err(Error::WrongPassword);
    }
    settings::set_local(c"response.status", c"401");
    let message = Error::WrongPassword.to_string();
    Ok(json!({ "code": "UNAUTHORIZED", "message": message, "details": null, "hint": null }))
}

/// A session and its JWT, which PostgREST takes with the same secret.
fn begin_session(account_id: Uuid, tenant_id: Option<Uuid>) -> Result<Value, Error> {
    let secret = settings::jwt_secret()?;
    let jti = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string()).concat();
    let now = storage::now() / 1_000_000;
    Spi::run_with_args(
        "INSERT INTO observa_internal.sessions (session_hash, account_id, expires_at)
         VALUES ($1, $2, pg_catalog.now() + pg_catalog.make_interval(secs => $3))",
        &[session_hash(&jti).into(), sql_uuid(account_id).into(), (SESSION_S as f64).into()],
    )?;
    let claims = json!({
        "role": settings::jwt_role(),
        "sub": account_id.to_string(),
        "jti": jti,
        "iat": now,
        "exp": now + SESSION_S,
        "app_metadata": { "tenant_id": tenant_id.map(|id| id.to_string()) },
    });
    let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&secret))
        .map_err(|error| Error::Invalid(format!("the JWT can't be signed: {error}")))?;
    Ok(json!({ "token": token, "expires_in": SESSION_S, "user": account(account_id, tenant_id)? }))
}

fn account(account_id: Uuid, tenant_id: Option<Uuid>) -> Result<Value, Error> {
    let arguments = [sql_uuid(account_id).into(), tenant_id.map(sql_uuid).into()];
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/account/me.sql"), Some(1), &arguments)?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<JsonB>() }
    })?;
    Ok(found.map_or(Value::Null, |found| found.0))
}

#[pg_extern(sql = false)]
fn me() -> Option<JsonB> {
    let account_id = own_account_id()?;
    let tenant_id = Acting::current().map(|acting| acting.tenant_id);
    Some(JsonB(or_raise(account(account_id, tenant_id))))
}

#[pg_extern(sql = false)]
fn logout() {
    let Some(jti) = logins::session_of_claims() else { return };
    // Once it is revoked, the session is nobody's.
    let who = Acting::current().zip(own_account_id());
    let revoke = "UPDATE observa_internal.sessions SET revoked_at = pg_catalog.now()
                   WHERE session_hash = $1 AND revoked_at IS NULL";
    or_raise(Spi::run_with_args(revoke, &[session_hash(&jti).into()]).map_err(Error::Spi));
    if let Some((acting, account_id)) = who {
        let deed = Deed::of("logout", "account", account_id);
        or_raise(Acting::during(Acting::whole(acting.tenant_id), || deed.record()));
    }
}

/// Whether a JWT's session counts still. One without jti is none of ours, and its issuer's to end.
pub fn counts(jti: Option<&str>) -> Result<bool, Error> {
    let Some(jti) = jti else { return Ok(true) };
    if storage::relation("sessions").is_none() {
        return Ok(true);
    }
    let found = Spi::connect(|client| {
        let sql = "SELECT revoked_at IS NULL AND expires_at > pg_catalog.now() FROM observa_internal.sessions
                    WHERE session_hash = $1";
        let rows = client.select(sql, Some(1), &[session_hash(jti).into()])?;
        // Another issuer's ids are none of ours.
        if rows.is_empty() { Ok(Some(true)) } else { rows.first().get_one::<bool>() }
    })?;
    Ok(found == Some(true))
}

/// Of claims that a trusted login passes on.
fn own_account_id() -> Option<Uuid> {
    logins::subject()?.parse().ok()
}

/// For the policy of accounts.
#[pg_extern(sql = false)]
fn own_account() -> Option<pgrx::Uuid> {
    own_account_id().map(sql_uuid)
}
