//! The least memory that a stream of actix-web needs: it never sends an event.

use std::{convert::Infallible, io, net::TcpListener};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, get,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    rt,
    web::Bytes,
};
use futures_util::{StreamExt, stream};

use crate::{KEEP_ALIVE, OPENING};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    rt::System::new().block_on(async {
        HttpServer::new(|| App::new().service(subscribe))
            .keep_alive(KEEP_ALIVE)
            .disable_signals()
            .listen(listener)?
            .run()
            .await
    })
}

#[get("/stream")]
async fn subscribe() -> impl Responder {
    let opening = stream::iter([Ok::<_, Infallible>(Bytes::from_static(OPENING.as_bytes()))]);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .streaming(opening.chain(stream::pending()))
}
