//! `POST /sse/revoke/{audience}`: ends the streams that hold an audience, for example after a logout.

use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_sse::{Error, cli_support::check_audiences};
use serde_json::json;

use super::request::text_in_path;
use super::{Refusal, Saver, Shared, answer};

const HELP: &str = "send the request to /sse/revoke/AUDIENCE, with the audience in UTF-8 and percent-encoded, such as user%3A42";

pub(super) async fn revoke(
    request: HttpRequest,
    saver: Data<Saver>,
    body: Payload,
) -> HttpResponse {
    match saver.0.revoke(&request).await {
        Ok(revoked) => revoked,
        Err(refusal) => refusal.into_response(body),
    }
}

impl Shared {
    /// A repetition revokes again, which also ends the streams that were authorized between the two. So there is no
    /// `Idempotency-Key`.
    async fn revoke(&self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        self.check_token(request).await?;
        let name = text_in_path(request.uri().path(), "audience", HELP)?;
        if !request.query_string().is_empty() {
            return Err(Refusal::invalid("the URL has parameters", HELP));
        }
        let refused = |error: Error| Refusal::of_revocation(&error);
        check_audiences(std::slice::from_ref(&name)).map_err(refused)?;
        let slot = self.slot().await?;
        let revocation = self.cache.revoke(name);
        let revoked = web::block(move || {
            let _slot = slot;
            revocation.blocking()
        });
        // The pool of threads is closed only when the process ends.
        let id = revoked
            .await
            .map_err(|_| Refusal::busy())?
            .map_err(refused)?;
        let body = json!({"id": id.to_string()});
        Ok(answer(&mut HttpResponse::Created(), &body))
    }
}
