//! docs/guides/testing.md: tests of an app with users.

use actix_session::{Session, SessionMiddleware, storage::CookieSessionStore};
use actix_web::{
    App, Error, Responder,
    cookie::Key,
    dev::ServiceResponse,
    error::ErrorUnauthorized,
    middleware::from_fn,
    post,
    test::{TestRequest, call_service, init_service},
    web::{self, Data, Form},
};
use actix_web_sse::{Sse, Subscription, cache, testing::TestSse, track_authorization};

use super::assert_shows;

include!("testing_users.rs");
include!("testing_app.rs");

#[post("/login")]
async fn log_in(
    form: Form<Vec<(String, String)>>,
    session: Session,
) -> Result<impl Responder, Error> {
    session.insert("user", &form[0].1)?;
    Ok("welcome")
}

async fn stream(
    session: Session,
    sse: Data<Sse>,
    subscription: Subscription,
) -> Result<impl Responder, Error> {
    let user: Option<String> = session.get("user")?;
    let user = user.ok_or_else(|| ErrorUnauthorized("log in first"))?;
    Ok(sse.respond(subscription.grant(format!("user:{user}"))))
}

#[test]
fn the_guide_shows_the_tests_that_run() {
    let guide = "guides/testing.md";
    assert_shows(
        guide,
        &["Streams of users"],
        include_str!("testing_users.rs"),
    );
    let with_app = include_str!("testing_app.rs");
    assert_shows(guide, &["A stream controller of your own"], with_app);
}
