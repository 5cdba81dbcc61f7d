use std::{future::{Ready, ready}, sync::Mutex};

use actix_session::{Session, SessionExt, SessionMiddleware, storage::CookieSessionStore};
use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpServer, Responder,
    cookie::Key,
    dev::Payload,
    error::ErrorUnauthorized,
    middleware::from_fn,
    post,
    web::{self, Data, Form, Redirect},
};
use actix_web_sse::{Sse, Subscription, cache, track_authorization};
use serde::Deserialize;
use serde_json::json;

/// The user of each login, until it ends. Your app has this in its database.
#[derive(Default)]
struct Logins(Mutex<Vec<Option<u64>>>);

impl Logins {
    fn begin(&self, user: u64) -> usize {
        let mut logins = self.0.lock().unwrap();
        logins.push(Some(user));
        logins.len() - 1
    }

    fn user(&self, login: usize) -> Option<u64> {
        *self.0.lock().unwrap().get(login)?
    }

    fn end(&self, login: usize) {
        self.0.lock().unwrap()[login] = None;
    }
}

/// A logged-in user. Requests without a login are answered with 401.
struct User {
    id: u64,
    login: usize,
}

impl User {
    fn of(request: &HttpRequest) -> Option<Self> {
        let login = request.get_session().get("login").ok()??;
        let logins = request.app_data::<Data<Logins>>()?;
        Some(Self { id: logins.user(login)?, login })
    }

    fn audience(&self) -> String {
        format!("user:{}", self.id)
    }
}

impl FromRequest for User {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).ok_or_else(|| ErrorUnauthorized("log in first")))
    }
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

/// The id of the user with this name and password. Your app has hashes of passwords in its database.
fn check(credentials: &Credentials) -> Option<u64> {
    match (credentials.name.as_str(), credentials.password.as_str()) {
        ("anne", "garden") => Some(4),
        ("bob", "window") => Some(5),
        _ => None,
    }
}

#[post("/login")]
async fn log_in(form: Form<Credentials>, session: Session, logins: Data<Logins>) -> Result<impl Responder, Error> {
    let user = check(&form).ok_or_else(|| ErrorUnauthorized("wrong name or password"))?;
    session.renew();
    session.insert("login", logins.begin(user))?;
    Ok(Redirect::to("/").see_other())
}

async fn stream(user: User, sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    sse.respond(subscription.grant(user.audience()))
}

#[post("/orders")]
async fn order(user: User) -> Result<impl Responder, Error> {
    cache().save("invoices", json!({"order": 42})).to(user.audience()).await?;
    Ok("Thank you. The invoice follows.")
}

#[post("/logout")]
async fn log_out(user: User, session: Session, logins: Data<Logins>) -> Result<impl Responder, Error> {
    logins.end(user.login);                          // first: from now on, requests of this login get 401
    cache().revoke(user.audience()).await?;          // then: end the streams of this user
    session.purge();
    Ok(Redirect::to("/").see_other())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let sse = Sse::from_env();                       // once, outside of the closure
    let logins = Data::new(Logins::default());
    // A new key at each start, because the logins are in memory: an old cookie must not name a later login.
    let key = Key::generate();
    HttpServer::new(move || {
        App::new()
            .app_data(Data::new(sse.clone()))
            .app_data(logins.clone())
            .service(web::resource("/sse/stream").to(stream))     // every method
            .configure(actix_web_sse::scripts)
            .service(log_in)
            .service(order)
            .service(log_out)
            .wrap(SessionMiddleware::new(CookieSessionStore::default(), key.clone()))
            .wrap(from_fn(track_authorization))      // the last one, so it comes before the session
    })
    .bind(("127.0.0.1", port()))?
    .run()
    .await
}
