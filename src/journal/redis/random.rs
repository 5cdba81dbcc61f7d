//! Random numbers.

use crate::error::{Error, ErrorKind};

/// A number that no other call returns. `operation` continues "cannot" in the error.
pub(super) fn random_number(operation: &str) -> Result<u64, Error> {
    getrandom::u64().map_err(|error| {
        let text = format!("cannot {operation}: the system has no random numbers: {error}");
        Error::new(ErrorKind::Cache, text)
    })
}

/// From 0 to 1.
pub(super) fn random_fraction() -> f32 {
    let random = getrandom::u32().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a fraction needs no precision")]
    let fraction = random as f32 / u32::MAX as f32;
    fraction
}
