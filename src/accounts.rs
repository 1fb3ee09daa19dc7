//! People who sign in with a password: accounts, sessions, and the JWTs that PostgREST verifies.

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use jsonwebtoken::{EncodingKey, Header};
use pgrx::datum::TryFromDatumError;
use pgrx::prelude::*;
use pgrx::{JsonB, PgTrigger};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid, uuid};
use crate::log_guard::guard_statement;
use crate::logins;
use crate::members::run;
use crate::profiles;
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

/// Verified where there is no account, so that an answer takes as long: nobody's, with the parameters of [`hash_of`].
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$bm9ib2R5J3MgcGFzc3dvcmQsIG9mIDMyIGJ5dGVzISE";

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
    let kept_company = profiles::clean(company);
    let made = Spi::connect_mut(|client| {
        client
            .update(
                "INSERT INTO observa_internal.accounts (account_id, email, password_hash, company) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (email) DO NOTHING",
                None,
                &[sql_uuid(account_id).into(), email.into(), hash.into(), kept_company.into()],
            )
            .map(|rows| rows.len())
    })?;
    if made == 0 {
        return Err(Error::Taken("account of this e-mail address"));
    }
    let tenant_id = tenants::make(company, Some(account_id))?;
    let deed = Deed::of("signup", "account", account_id).by(Some(account_id));
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
    // Before an address is looked up: only a known one would come as far as a statement that writes.
    if storage::is_read_only() {
        return Err(Error::ReadOnlyTransaction("observa.login"));
    }
    // Who may roll back what counts their guesses may guess for ever.
    let is_passed_on = logins::is_trusted() && request::is_over_http();
    if !is_passed_on && !identity::session_is_superuser() {
        return Err(Error::NoRight(
            "sign in: only PostgREST's login in observa.trusted_logins passes that on",
        ));
    }
    storage::ensure()?;
    let email = address(email).unwrap_or_default();
    let password = if password.chars().count() <= LONGEST { password } else { "" };
    let Some((account, hash, tenant_id)) = find(&email)? else {
        is_password(password, NOBODYS);
        return wrong_password();
    };
    // Counted before it is verified, and the row stays locked: of guesses that come together none is free.
    let counts = run(include_str!("../sql/account/count_attempt.sql"), &[account.into()])? > 0;
    // A locked account takes as long. No attempt at it prolongs the lock, or fills the log.
    let is_right = is_password(password, &hash) && counts;
    if !counts {
        return wrong_password();
    }
    let action = if is_right {
        run(include_str!("../sql/account/forget_failures.sql"), &[account.into()])?;
        "login"
    } else {
        let limits = [account.into(), MOST_FAILURES.into(), LOCKED_MINUTES.into()];
        run(include_str!("../sql/account/lock.sql"), &limits)?;
        "failed_login"
    };
    let account_id = uuid(account);
    if let Some(tenant_id) = tenant_id {
        let deed = Deed::of(action, "account", account_id).by(Some(account_id));
        Acting::during(Acting::whole(tenant_id), || deed.record())?;
    }
    if is_right { begin_session(account_id, tenant_id) } else { wrong_password() }
}

/// An account of an address, its password's hash, and its tenant.
type Found = (pgrx::Uuid, String, Option<Uuid>);

fn find(email: &str) -> Result<Option<Found>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/account/find.sql"), Some(1), &[email.into()])?;
        if rows.is_empty() {
            return Ok(None);
        }
        let row = rows.first();
        let account = row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?);
        let tenant_id = row.get::<pgrx::Uuid>(3)?.map(uuid);
        Ok::<_, pgrx::spi::Error>(account.map(|(account, hash)| (account, hash, tenant_id)))
    })?;
    Ok(found)
}

/// An error would take the count of failures back: over HTTP the answer says 401, and the transaction commits.
fn wrong_password() -> Result<Value, Error> {
    if !request::is_over_http() {
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
        "iss": logins::ISSUER,
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
    or_raise(sign_out());
}

/// Also where the claims' tenant is theirs no more. What ends nothing is not recorded: the JWT can be sent again for ever.
fn sign_out() -> Result<(), Error> {
    let Some((jti, claimed)) = logins::own_session() else { return Ok(()) };
    let ended = Spi::connect_mut(|client| {
        let arguments = [session_hash(&jti).into(), claimed.map(sql_uuid).into()];
        let rows = client.update(include_str!("../sql/account/end_session.sql"), None, &arguments)?;
        if rows.is_empty() {
            return Ok((None, None));
        }
        rows.first().get_two::<pgrx::Uuid, pgrx::Uuid>()
    })?;
    let (Some(account_id), Some(tenant_id)) = (ended.0.map(uuid), ended.1.map(uuid)) else { return Ok(()) };
    let deed = Deed::of("logout", "account", account_id).by(Some(account_id));
    Acting::during(Acting::whole(tenant_id), || deed.record())
}

/// Whose session of ours a JWT is, while it counts.
pub fn account_of_session(jti: &str) -> Result<Option<Uuid>, Error> {
    if storage::relation("sessions").is_none() {
        return Ok(None);
    }
    let found = Spi::connect(|client| {
        let sql = "SELECT account_id FROM observa_internal.sessions
                    WHERE session_hash = $1 AND revoked_at IS NULL AND expires_at > pg_catalog.now()";
        let rows = client.select(sql, Some(1), &[session_hash(jti).into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    })?;
    Ok(found.map(uuid))
}

/// Whose session the request is of. Where a key is sent beside a JWT, the key is who asks.
pub fn own_account_id() -> Option<Uuid> {
    let by_key = Acting::current().is_some_and(|acting| acting.key_id.is_some());
    home_cache::asking().account_id.filter(|_| !by_key)
}

pub fn is_signed_in() -> bool {
    own_account_id().is_some()
}

/// For the policy of accounts.
#[pg_extern(sql = false)]
fn own_account() -> Option<pgrx::Uuid> {
    own_account_id().map(sql_uuid)
}

/// Sessions that count no more; the policy lets no others go.
pub fn forget_sessions() -> Result<u64, Error> {
    let delete = "DELETE FROM observa_internal.sessions";
    Ok(Spi::connect_mut(|client| client.update(delete, None, &[]).map(|rows| rows.len() as u64))?)
}

/// AFTER DELETE on accounts: memberships go with the account. Members of identity providers have no row that a key could point to.
#[pg_trigger(sql = false)]
fn forget_memberships<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, TryFromDatumError> {
    let account = trigger.old().map(|old| old.get_by_name::<pgrx::Uuid>("account_id")).transpose()?.flatten();
    if let Some(account) = account {
        let subject = uuid(account).to_string();
        let forget = "DELETE FROM observa_internal.members WHERE subject = $1";
        or_raise(run(forget, &[subject.into()]));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look-up that finds nobody must take as long as one that finds somebody.
    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let nobodys = PasswordHash::new(NOBODYS).unwrap();
        let somebodys = hash_of("correct horse").unwrap();
        let somebodys = PasswordHash::new(&somebodys).unwrap();
        assert_eq!(nobodys.algorithm, somebodys.algorithm);
        assert_eq!(nobodys.version, somebodys.version);
        assert_eq!(nobodys.params.to_string(), somebodys.params.to_string());
        assert_eq!(nobodys.hash.map(|hash| hash.len()), somebodys.hash.map(|hash| hash.len()));
        assert!(!is_password("", NOBODYS) && !is_password("nobody's password", NOBODYS));
    }
}
