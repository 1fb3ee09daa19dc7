//! People sign up, in and out; a password and a session are nowhere to be read.

use std::io::Write;

use base64::Engine;
use observa_tests::database::{error, ingest, one};
use observa_tests::event::llm_call;
use observa_tests::{Cluster, Database, Front, FrontConfig, http};
use postgres::Client;
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than thirty-two bytes";
pub const PASSWORD: &str = "correct horse battery staple";

/// A database whose JWTs are signed with [`SECRET`], and a login that may pass claims on.
pub struct Stage {
    pub db: Database,
    pub gate: Client,
    pub _secret: tempfile::NamedTempFile,
}

pub fn stage(mut db: Database) -> Stage {
    let mut secret = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile()
        .unwrap();
    writeln!(secret, "{SECRET}").unwrap();
    let login: String = one(
        &mut db.connect_as("gate", "observa_ingest, observa_read, observa_admin"),
        "SELECT session_user::text",
    );
    for (name, value) in [
        ("jwt_secret_file", secret.path().to_str().unwrap()),
        ("trusted_logins", &login),
        ("allow_signup", "on"),
    ] {
        db.run(&format!("ALTER DATABASE {} SET observa.{name} = '{value}'", db.name));
    }
    let mut config = db.cluster.config(&db.name);
    let gate = config.user(&login).connect(postgres::NoTls).unwrap();
    db.client = db.connect();
    Stage { db, gate, _secret: secret }
}

pub fn sign_up(client: &mut Client, email: &str, company: &str) -> Value {
    client.query_one("SELECT observa.signup($1, $2, $3)", &[&email, &PASSWORD, &company]).unwrap().get(0)
}

/// The claims of a token whose signature is right by RFC 7515.
pub fn claims(said: &Value) -> Value {
    let token = said["token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    hmac::Mac::update(&mut mac, signed.as_bytes());
    hmac::Mac::verify_slice(mac, &url_safe.decode(signature).unwrap()).unwrap();
    serde_json::from_slice(&url_safe.decode(signed.split_once('.').unwrap().1).unwrap()).unwrap()
}

pub fn pass_on(gate: &mut Client, claims: &Value) {
    gate.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims.to_string()]).unwrap();
}

/// From now on the session says that PostgREST asks.
pub fn over_http(client: &mut Client) {
    client
        .batch_execute(
            "SELECT set_config('request.method', 'POST', false), set_config('request.headers', '{}', false)",
        )
        .unwrap();
}

#[test]
fn who_signs_up_owns_a_tenant_until_they_sign_out() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let said = sign_up(&mut gate, "Ann@Example.com", "Acme");
    let claimed = claims(&said);
    assert_eq!((&said["user"]["email"], &said["user"]["role"]), (&json!("ann@example.com"), &json!("owner")));
    assert_eq!(claimed["exp"].as_i64().unwrap() - claimed["iat"].as_i64().unwrap(), 90 * 86_400);
    assert_eq!(claimed["role"], "authenticated");
    pass_on(&mut gate, &claimed);
    assert_eq!(one::<Value>(&mut gate, "SELECT observa.me()"), said["user"]);
    assert_eq!(ingest(&mut gate, &llm_call("e").to_string())["accepted"], 1);
    gate.batch_execute("UPDATE observa.user_profiles SET full_name = 'Ann'").unwrap();
    assert_eq!(
        one::<String>(&mut gate, "SELECT full_name || ', ' || role FROM observa.user_profiles"),
        "Ann, owner"
    );
    // Another sign-in goes on where one ends.
    over_http(&mut gate);
    let second: Value = one(&mut gate, &format!("SELECT observa.login('ann@example.com', '{PASSWORD}')"));
    gate.batch_execute("SELECT observa.logout()").unwrap();
    assert_eq!(one::<Option<String>>(&mut gate, "SELECT observa.current_tenant()::text"), None);
    pass_on(&mut gate, &claims(&second));
    assert_eq!(
        one::<Option<String>>(&mut gate, "SELECT observa.current_tenant()::text"),
        second["user"]["tenant_id"].as_str().map(str::to_owned)
    );
    db.run("UPDATE observa_internal.sessions SET expires_at = now() - interval '1 s'");
    assert_eq!(one::<Option<String>>(&mut gate, "SELECT observa.current_tenant()::text"), None);
    let actions: Value = db.one("SELECT jsonb_agg(action ORDER BY id) FROM observa.audit_log WHERE tenant_id IN (SELECT tenant_id FROM observa_internal.tenants WHERE name = 'Acme')");
    assert_eq!(actions, json!(["create_tenant", "signup", "edit_profile", "login", "logout"]));
}

#[test]
fn one_account_sees_nothing_of_another() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let ann = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    let bob = claims(&sign_up(&mut gate, "bob@example.com", "Bolt"));
    pass_on(&mut gate, &ann);
    ingest(&mut gate, &llm_call("e").to_string());
    pass_on(&mut gate, &bob);
    assert_eq!(one::<i64>(&mut gate, "SELECT count(*) FROM observa.events"), 0);
    assert_eq!(
        one::<String>(&mut gate, "SELECT string_agg(company, ',') FROM observa.user_profiles"),
        "Bolt"
    );
    // Bob as a member of Ann's tenant, which only Ann may say.
    let mixed =
        json!({"iss": bob["iss"], "sub": bob["sub"], "jti": bob["jti"], "app_metadata": ann["app_metadata"]});
    pass_on(&mut gate, &mixed);
    assert_eq!(one::<Option<String>>(&mut gate, "SELECT observa.current_tenant()::text"), None);
    let tenant = ann["app_metadata"]["tenant_id"].as_str().unwrap();
    let add = format!("SELECT observa.add_member('{tenant}', '{}', 'viewer')", bob["sub"].as_str().unwrap());
    assert_eq!(error(&mut gate, &add).code().code(), "42501");
    pass_on(&mut gate, &ann);
    gate.batch_execute(&add).unwrap();
    pass_on(&mut gate, &mixed);
    assert_eq!(one::<i64>(&mut gate, "SELECT count(*) FROM observa.events"), 1);
    for refused in [
        "SELECT observa.ingest('{\"model\":\"m\"}'::text)",
        "UPDATE observa.detection_rules SET threshold = 1 WHERE name = 'high_cost'",
        "SELECT observa.forget_user('u')",
    ] {
        assert_eq!(error(&mut gate, refused).code().code(), "42501", "{refused}");
    }
    assert_eq!(db.count("observa.events"), 1);
}

#[test]
fn five_wrong_passwords_lock_an_account_and_every_refusal_is_the_same() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    sign_up(&mut gate, "ann@example.com", "Acme");
    let mut database = db.cluster.config(&db.name);
    database.user(&one::<String>(&mut gate, "SELECT session_user::text"));
    let front =
        Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) });
    let login = |email: &str, password: &str| {
        let body = json!({"email": email, "password": password}).to_string();
        http::post(&front.url("/rpc/login"), "application/json", body.as_bytes())
    };
    let wrong = login("ann@example.com", "wrong");
    assert_eq!((wrong.status, &wrong.body["code"]), (401, &json!("UNAUTHORIZED")));
    assert_eq!(login("nobody@example.com", "wrong").body, wrong.body);
    assert_eq!(login("no address", "wrong").body, wrong.body);
    assert_eq!(login("ann@example.com", PASSWORD).status, 200, "the count begins anew");
    for _ in 0..5 {
        assert_eq!(login("ann@example.com", "wrong").body, wrong.body);
    }
    assert_eq!(login("ann@example.com", PASSWORD).body, wrong.body, "locked");
    db.run("UPDATE observa_internal.accounts SET locked_until = now()");
    assert_eq!(login("ann@example.com", PASSWORD).status, 200);
    assert_eq!(db.count("observa.audit_log WHERE action = 'failed_login'"), 6);
}

#[test]
fn a_sign_up_that_can_not_be_says_why_and_repeats_nothing() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready_in(Cluster::own("accounts", "")));
    let said = sign_up(&mut gate, "ann@example.com", "Acme");
    for (email, password, company, code) in [
        ("ann@example.com", PASSWORD, "Other", "42710"),
        ("bob@example.com", PASSWORD, "Acme", "42710"),
        ("no-address-canary", PASSWORD, "Other", "22023"),
        ("bob@example.com", "pw-canary", "Other", "22023"),
        ("bob@example.com", PASSWORD, "", "22023"),
    ] {
        let refused =
            gate.query_one("SELECT observa.signup($1, $2, $3)", &[&email, &password, &company]).unwrap_err();
        let refused = refused.as_db_error().unwrap();
        assert_eq!(refused.code().code(), code, "{email} {company}");
        assert!(!refused.message().contains("canary"), "{}", refused.message());
    }
    assert_eq!(db.count("observa_internal.accounts"), 1);
    let hash: String = db.one("SELECT password_hash FROM observa_internal.accounts");
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let jti = claims(&said)["jti"].as_str().unwrap().to_owned();
    assert_eq!(db.count(&format!("observa_internal.sessions s WHERE s::text LIKE '%{jti}%'")), 0);
    for secret in [PASSWORD, "pw-canary", &jti, "no-address-canary"] {
        assert!(!db.cluster.log().contains(secret), "{secret}");
    }
    db.run(&format!("ALTER DATABASE {} SET observa.allow_signup = off", db.name));
    let mut closed = db.cluster.config(&db.name);
    let login: String = one(&mut gate, "SELECT session_user::text");
    let mut closed = closed.user(&login).connect(postgres::NoTls).unwrap();
    let refused = error(&mut closed, &format!("SELECT observa.signup('c@example.com', '{PASSWORD}', 'C')"));
    assert_eq!(refused.code().code(), "42501");
}
