//! This project's server in an app that grants every audience, which the starter does not. A real app would check
//! first who the client is.

use std::{io, net::TcpListener};

use actix_web::{
    App, HttpServer, Responder, get, rt,
    web::{self, Data},
};
use actix_web_sse::{Sse, Subscription, cache};

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    rt::System::new().block_on(async {
        let sse = Sse::from_cache(cache());
        let app = move || {
            let sse = Data::new(sse.clone());
            App::new().service(web::scope("").app_data(sse).service(subscribe))
        };
        HttpServer::new(app)
            .on_connect(actix_web_sse::on_connect)
            .disable_signals()
            .listen(listener)?
            .run()
            .await
    })
}

#[get("/sse/stream")]
async fn subscribe(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    let asked: Vec<String> = subscription.asked().map(str::to_owned).collect();
    let granted = asked.into_iter().fold(subscription, Subscription::grant);
    sse.respond(granted)
}
