//! Ends the connection of a request whose body was not read to its end.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::ConnectionType;
use actix_web::web::{Bytes, Payload};

/// The body of an answer, and what is left of the request.
///
/// If nobody has the rest of a chunked request any more, actix-web reads and drops it for as long as the client sends.
/// While it is here, actix-web closes the connection a moment after the answer.
struct AnswerBody {
    answer: BoxBody,
    _unread: Payload,
}

/// Makes this the last answer of its connection.
pub(super) fn end_with(mut response: HttpResponse, unread: Payload) -> HttpResponse {
    let head = response.head_mut();
    head.set_connection_type(ConnectionType::Close);
    response.map_body(|_, answer| {
        BoxBody::new(AnswerBody {
            answer,
            _unread: unread,
        })
    })
}

impl MessageBody for AnswerBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}
