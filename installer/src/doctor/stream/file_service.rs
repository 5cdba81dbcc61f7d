//! Whether a file service of the app answers in place of the stream: actix-web asks the services in the order in
//! which they were added, and `Files::new("/", …)` answers every path.

use super::probe::StreamProbe;
use crate::http::Client;

/// A path that actix-files refuses in its own words. For a file that does not exist, it responds like an app
/// without routes.
const REFUSED_SEGMENT: &str = "/*";
const REFUSAL: &str = "segment started with invalid character";

pub(super) const HELP: &str = "move `.configure(actix_web_sse::routes)` before `.service(Files::new(\"/\", …))`: \
    actix-web asks the services in the order in which they were added, and this one answers every path";

/// To be called if the stream is answered with 404.
pub(super) fn answers(client: &Client) -> bool {
    let url = client.url();
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let probe = StreamProbe::open(client, &format!("{path}{REFUSED_SEGMENT}"), &[]);
    probe.is_ok_and(|mut probe| probe.head().status == 400 && probe.error_text().contains(REFUSAL))
}
