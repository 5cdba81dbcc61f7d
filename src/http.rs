//! The HTTP side: requests for streams, their responses, and the checks and limits around them.

mod access;
mod access_log;
mod authorization_position;
mod close_at_signal;
mod connection;
mod cors;
mod error_response;
mod grant;
mod host_check;
mod is_local;
mod lazy_stream_state;
mod limits;
mod refusal_count;
mod requested_host;
mod reservation;
mod routes;
mod scripts;
mod signal_receiver;
mod sse;
mod stream;
mod stream_response;
mod subscription;

#[cfg(any(fuzzing, test))]
pub(crate) use self::subscription::LastEventId;
pub use self::{
    access_log::request_line,
    authorization_position::track_authorization,
    connection::{on_connect, watch_connection},
    grant::Grant,
    host_check::check_host,
    is_local::is_local,
    routes::{routes, scripts},
    sse::{Closing, Sse, Stats, shutdown_signal},
    stream::EventStream,
    stream_response::{StreamRefusal, StreamResponse},
    subscription::Subscription,
};
pub(crate) use self::{lazy_stream_state::SharedStreamState, scripts::respond_with_file};
