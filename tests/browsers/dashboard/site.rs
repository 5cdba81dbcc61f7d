//! An app with a dashboard that shows values.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Config, Entry, Sse};
use serde_json::Value;
use support::{HalfClosed, LocalServer};

pub(super) const HOSTILE_EVENT: &str = "<i>event</i>";
pub(super) const HOSTILE_KEY: &str = "<img src=x onerror=window.hacked=1>";

/// What the guard says with its status.
const REFUSAL_TEXT: &str = "error: too many pages watch\nhelp: close one of them\n";

pub(super) struct Site(pub(super) LocalServer, Arc<State>);

/// What the app knows of this site.
#[derive(Default)]
struct State {
    /// The status with which its guard answers to the page's requests for states; 0 if it lets them pass.
    refusal: AtomicU16,
    /// Violations of the policy that browsers have reported.
    violations: AtomicUsize,
    /// Requests for a test event, whatever their answer.
    attempts: AtomicUsize,
}

impl Site {
    pub(super) fn start() -> Self {
        Self::with_events(&format!(
            "event_name1:event_cache_key1,event_name2:event_cache_key2,{HOSTILE_EVENT}:{HOSTILE_KEY}"
        ))
    }

    pub(super) fn with_events(events: &str) -> Self {
        // The streams of the tests do not reconnect.
        let configure = |config: Config, _: &_| config.with_stream_duration(Duration::ZERO);
        let state = Arc::<State>::default();
        let routes = {
            let state = Data::from(Arc::clone(&state));
            move |app: &mut ServiceConfig, sse: &Sse| {
                routes(app.app_data(state.clone()), sse);
            }
        };
        Self(
            LocalServer::start(HalfClosed::Stays, events, configure, routes),
            state,
        )
    }

    /// From now on, the app answers with this status and text to requests for states.
    pub(super) fn refuse(&self, status: u16) {
        self.1.refusal.store(status, Ordering::Relaxed);
    }

    pub(super) fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    /// The same server as another site, and at another port.
    pub(super) fn other_origins(&self) -> [String; 2] {
        let [_, other_port] = self.0.origins();
        [other_port.replace("127.0.0.1", "localhost"), other_port]
    }

    /// Saves a value, and returns the time in milliseconds.
    pub(super) fn save(&self, key: &str, value: Value) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.0.cache.save_blocking(key, value).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    }

    /// How many values were saved.
    pub(super) fn saved(&self) -> u64 {
        let id = self.0.sse.position().to_string();
        let (_, number) = id.split_once('-').unwrap();
        number.parse().unwrap()
    }

    /// The newest value of this audience.
    pub(super) fn newest(&self, key: &str, audience: &str) -> Entry {
        self.0
            .cache
            .get(key)
            .to(audience)
            .blocking()
            .unwrap()
            .unwrap()
    }

    pub(super) fn attempts(&self) -> usize {
        self.1.attempts.load(Ordering::Relaxed)
    }

    pub(super) fn violations(&self) -> usize {
        self.1.violations.load(Ordering::Relaxed)
    }

    pub(super) fn forget_violations(&self) {
        self.1.violations.store(0, Ordering::Relaxed);
    }
}

fn routes(app: &mut ServiceConfig, sse: &Sse) {
    let admin = web::scope("/admin").wrap(from_fn(report_violations));
    app.configure(|app| sse.configure(app))
        .service(admin.service(sse.dashboard().show_values(true)))
        .route("/violations", web::post().to(count_violation))
        .route("/elsewhere", web::get().to(HttpResponse::Ok));
}

async fn count_violation(state: Data<State>) -> HttpResponse {
    state.violations.fetch_add(1, Ordering::Relaxed);
    HttpResponse::NoContent().finish()
}

/// Has browsers report what the policy of the dashboard stops.
async fn report_violations(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let state = request.app_data::<Data<State>>().unwrap();
    if request.path().ends_with("/test-events") {
        state.attempts.fetch_add(1, Ordering::Relaxed);
    }
    let status = state.refusal.load(Ordering::Relaxed);
    let is_refused = ["/stream", "/snapshot"]
        .iter()
        .any(|end| request.path().ends_with(end));
    if let (true, Ok(status)) = (is_refused, StatusCode::from_u16(status)) {
        return Err(InternalError::new(REFUSAL_TEXT, status).into());
    }
    let mut response = next.call(request).await?;
    // actix-web itself refuses other methods, without a policy.
    if let Some(policy) = response.headers().get(header::CONTENT_SECURITY_POLICY) {
        let policy = format!("{}; report-uri /violations", policy.to_str().unwrap());
        let policy = HeaderValue::from_str(&policy).unwrap();
        (response.headers_mut()).insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}
