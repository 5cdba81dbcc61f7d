use std::{
    future::{Ready, ready},
    time::{Duration, UNIX_EPOCH},
};

use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpServer, Responder,
    cookie::Cookie,
    dev::Payload,
    error::ErrorUnauthorized,
    http::{Method, header::AUTHORIZATION},
    middleware::from_fn,
    web::{self, Data},
};
use actix_web_sse::{Sse, Subscription, track_authorization};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

/// What the app reads from a token. Requests without a valid one are answered with 401.
#[derive(Deserialize)]
struct Claims {
    /// The id of the user.
    sub: String,
    /// When the token expires, in seconds since 1970.
    exp: u32,
}

impl Claims {
    fn of(request: &HttpRequest) -> Option<Self> {
        let key = request.app_data::<Data<DecodingKey>>()?;
        let cookie = request.cookie("token");
        let header = request.headers().get(AUTHORIZATION);
        let token = match header {
            Some(header) => {
                let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(token)?
            }
            None => cookie.as_ref().map(Cookie::value)?,
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;                       // by default, tokens are valid for a minute after `exp`,
        validation.reject_tokens_expiring_in_less_than = 1;     // and in its second
        let token = decode(token, key, &validation);
        Some(token.ok()?.claims)
    }
}

impl FromRequest for Claims {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).ok_or_else(|| ErrorUnauthorized("the token is missing, not valid, or has expired")))
    }
}

async fn stream(claims: Claims, sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    let expires_at = UNIX_EPOCH + Duration::from_secs(claims.exp.into());
    sse.respond(subscription.grant(format!("user:{}", claims.sub)).until(expires_at))
}

async fn preflight(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    sse.respond(subscription)                        // to OPTIONS, which carries no token
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let sse = Sse::from_env();                       // once, outside of the closure
    let secret = std::env::var("JWT_SECRET").expect("JWT_SECRET contains the secret of the tokens");
    let key = DecodingKey::from_secret(secret.as_bytes()).expect("JWT_SECRET is not empty");
    let key = Data::new(key);
    HttpServer::new(move || {
        App::new()
            .app_data(Data::new(sse.clone()))
            .app_data(key.clone())
            .service(
                web::resource("/sse/stream")
                    .route(web::method(Method::OPTIONS).to(preflight))
                    .route(web::to(stream)),         // every other method
            )
            .configure(actix_web_sse::scripts)
            .wrap(from_fn(track_authorization))
    })
    .bind(("127.0.0.1", port()))?
    .run()
    .await
}
