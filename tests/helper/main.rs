//! The processes that tests start beside themselves: `test-helper ROLE [ARGUMENT…]`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "the test that starts this program reports how it ended"
)]

mod guides;
mod ingester;
#[cfg(feature = "tools")]
mod oracle;
#[cfg(feature = "tools")]
mod oracle_server;
#[cfg(feature = "tools")]
mod oracle_writer;
mod saver;
mod server;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().expect("test-helper ROLE [ARGUMENT…]");
    let arguments: Vec<String> = arguments.collect();
    match role.as_str() {
        "guide" => guides::run(&arguments),
        "ingester" => ingester::run(),
        "saver" => saver::run(&arguments),
        "server" => server::run(&arguments),
        #[cfg(feature = "tools")]
        "oracle-server" => oracle_server::run(),
        #[cfg(feature = "tools")]
        "oracle-writer" => oracle_writer::run(),
        other => panic!("`{other}` is not a role of this program"),
    }
}
