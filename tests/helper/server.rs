//! `server KIND`: serves the app in `CARGO_MANIFEST_DIR`, with signals handled as `KIND` names it.

use std::time::Duration;

use actix_files::Files;
use actix_web::{
    App, HttpRequest, HttpServer, Responder,
    error::ErrorUnauthorized,
    rt,
    web::{self, ServiceConfig},
};
use actix_web_sse::{Config, Sse, Subscription, app_dir};

const MIB: usize = 1024 * 1024;

pub(crate) fn run(arguments: &[String]) {
    let [kind] = arguments else {
        panic!("server KIND: {arguments:?}");
    };
    restore_interrupts();
    rt::System::new().block_on(serve(kind));
}

/// The mistake of an app whose pages are in `public`.
fn routes_behind_a_file_service(app: &mut ServiceConfig) {
    app.service(Files::new("/", "public"))
        .configure(actix_web_sse::routes);
}

fn routes_in_a_scope(app: &mut ServiceConfig) {
    app.service(web::scope("/members").configure(actix_web_sse::routes));
}

/// A stream for each user, whose name is in the header `X-User`. A user whose name is a file of the app's folder has
/// logged out.
fn streams_of_users(app: &mut ServiceConfig) {
    app.app_data(web::Data::new(Sse::from_env()))
        .route("/sse/stream", web::get().to(stream_of_user));
}

async fn stream_of_user(
    sse: web::Data<Sse>,
    request: HttpRequest,
    mut subscription: Subscription,
) -> Result<impl Responder, actix_web::Error> {
    let position = sse.position();
    let user = request.headers().get("x-user");
    let Some(user) = user.and_then(|user| user.to_str().ok()) else {
        return Ok(sse.respond(subscription));
    };
    if app_dir().join(user).exists() {
        return Err(ErrorUnauthorized("error: this user has logged out\n"));
    }
    let orders = format!("order:{user}-");
    let asked: Vec<String> = subscription.asked().map(str::to_owned).collect();
    for name in asked.into_iter().filter(|name| name.starts_with(&orders)) {
        subscription = subscription.grant(name);
    }
    let subscription = subscription.grant(format!("user:{user}"));
    Ok(sse.respond(subscription.authorized_at(position)))
}

async fn serve(kind: &str) {
    let sse = match kind {
        "without signal handling" => {
            let config = Config::from_env().unwrap();
            Some(Sse::new(&config.with_signal_handling(false)).unwrap())
        }
        "shutdown signal" | "large write buffer" => Some(Sse::from_env()),
        _ => None,
    };
    let add_routes = match kind {
        "routes behind a file service" => routes_behind_a_file_service,
        "routes in a scope" => routes_in_a_scope,
        "users in a header" => streams_of_users,
        _ => actix_web_sse::routes,
    };
    let signal = sse.clone().filter(|_| kind != "without signal handling");
    let server = HttpServer::new(move || {
        let app = App::new().route("/slow/{seconds}", web::get().to(slow));
        match sse.clone() {
            Some(sse) => app.configure(|app| sse.configure(app)),
            None => app.configure(add_routes),
        }
    });
    let mut server = server.workers(2);
    if kind == "large write buffer" {
        server = server.h1_write_buffer_size(64 * MIB);
    }
    let mut server = server.bind(("127.0.0.1", 0)).unwrap();
    if let Some(sse) = signal {
        server = server.shutdown_signal(sse.shutdown_signal());
    }
    if kind == "routes with a shutdown signal" {
        server = server.shutdown_signal(actix_web_sse::shutdown_signal());
    }
    println!("\nlistening on {}", server.addrs()[0]);
    if kind == "without handlers" || kind == "its own handler" {
        server = server.disable_signals();
    }
    let server = server.run();
    if kind == "its own handler" {
        let handle = server.handle();
        rt::spawn(async move {
            rt::signal::ctrl_c().await.unwrap();
            handle.stop(true).await;
        });
    }
    server.await.unwrap();
}

/// A request of the app that takes this long.
async fn slow(seconds: web::Path<u64>) -> &'static str {
    rt::time::sleep(Duration::from_secs(*seconds)).await;
    "done"
}

/// A program that a shell starts in the background ignores SIGINT, and so do its children. This
/// server must end in the same way however the tests were started.
#[allow(
    unsafe_code,
    reason = "no crate gives a signal its default action back without it"
)]
fn restore_interrupts() {
    // SAFETY: the default action runs no code of this program, so there is no handler to be safe.
    let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    assert_ne!(before, libc::SIG_ERR);
}
