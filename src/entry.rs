//! One saved value, as the journal stores it.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    audience::Recipients,
    epoch::Epoch,
    error::{Error, ErrorKind, one_line},
    event_id::EventId,
    trace_parent::{self, TraceParent},
};

/// The clocks of two machines or users may differ by this much. An entry whose time is further ahead
/// was saved before the clock was set back.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(2);

/// The feature that an entry with audiences needs. A version without it must not send the value to every client.
const AUDIENCES: &str = "audiences";

/// The feature that a revocation needs. A version without it would not end the streams.
const REVOCATIONS: &str = "revocations";

/// The feature that a loss needs. A version without it treats the entry as missed, as it should.
const LOSSES: &str = "losses";

/// A saved value, read back from the cache.
#[derive(Debug, Clone)]
pub struct Entry {
    epoch: Epoch,
    /// In the journal, counted from 1.
    pub(crate) number: u64,
    document: Document,
    recipients: Recipients,
    time: SystemTime,
}

/// The content of an entry's file: a JSON document on one line. A version ignores fields that it does
/// not know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    time: Box<str>,
    ttl_ms: u64,
    key: Box<str>,
    value: Box<RawValue>,
    /// Whether this is a tombstone, which deletes the earlier value of its key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    /// The name of the drop-in that the entry was created from. A server that takes over from a killed
    /// one recognises by it the drop-ins that are already in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drop_in: Option<Box<str>>,
    /// What the save's client has named it with, so that the repetition of a save is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Box<str>>,
    /// The trace context of the save. Without a valid one, as if it were absent.
    #[serde(
        default,
        deserialize_with = "trace_parent::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    trace: Option<Box<TraceParent>>,
    /// The audiences that the value is for; without them, it is for every client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Box<[String]>>,
    /// The audience whose streams this entry ends. Such an entry has no key and no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revokes: Option<Box<str>>,
    /// Whether a value of the key was lost: another program removed its file before a server read it. Such an entry has
    /// no value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost: bool,
    /// Features that a reader must support to use this entry. For example, a server
    /// that does not support private entries must not send one to every client.
    #[serde(
        rename = "needs",
        default,
        skip_serializing_if = "<[String]>::is_empty"
    )]
    required_features: Box<[String]>,
}

impl Entry {
    /// Parses what a journal has stored for a number.
    pub(crate) fn parse(epoch: Epoch, number: u64, bytes: &[u8]) -> Result<Self, UnreadableEntry> {
        let unreadable = |reason, key| UnreadableEntry { reason, key };
        let mut document: Document =
            serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string(), None))?;
        if let Some(feature) = document.unsupported_feature() {
            let feature = one_line(feature);
            let reason = format!("it needs `{feature}`, which this version does not support");
            return Err(unreadable(reason, Some(document.key.into())));
        }
        let time = humantime::parse_rfc3339(&document.time)
            .map_err(|error| unreadable(format!("its time is not valid: {error}"), None))?;
        let recipients = document
            .take_recipients()
            .map_err(|reason| unreadable(reason, None))?;
        Ok(Self {
            epoch,
            number,
            document,
            recipients,
            time,
        })
    }

    /// Returns the id of the event that the entry triggers; of the last one, if there are several.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId::before(self.epoch, self.number + 1)
    }

    /// Returns the cache key that the value was saved under.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.document.key
    }

    /// Returns the value as JSON text.
    #[must_use]
    pub fn value(&self) -> &str {
        self.document.value.get()
    }

    /// Deserializes the value into a type of your own.
    ///
    /// # Errors
    ///
    /// Fails if the JSON does not fit the type.
    pub fn value_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.value()).map_err(|error| {
            Error::new(
                ErrorKind::Value,
                format!(
                    "the value saved under `{}` has another type: {error}",
                    self.key()
                ),
            )
            .caused_by(error)
        })
    }

    /// Returns the time of saving in the format of RFC 3339, in UTC with milliseconds.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        &self.document.time
    }

    /// Returns the event's data as browsers receive it: `{"timestamp":…,"value":…}`.
    #[must_use]
    pub fn data(&self) -> String {
        envelope(&self.document.time, self.document.value.get())
    }

    /// Iterates over the audiences that the value was saved for. Without any, it is public: every client
    /// receives it.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.recipients.names().iter().map(String::as_str)
    }

    /// Returns the trace context that the value was [saved with](crate::cache::Save::trace_parent), in the format of the
    /// HTTP header `traceparent`.
    #[must_use]
    pub fn trace_parent(&self) -> Option<&str> {
        self.document.trace.as_ref().map(|trace| trace.as_str())
    }

    pub(crate) fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// The token of the save that the entry is from, which is the name of its drop-in.
    pub(crate) fn token(&self) -> Option<&str> {
        self.document.drop_in.as_deref()
    }

    /// The idempotency key of the save that the entry is from.
    pub(crate) fn idempotency_key(&self) -> Option<&str> {
        self.document.idempotency_key.as_deref()
    }

    /// Whether a save of this value would make the same entry, at another time. Without a time to live, it is the one
    /// that the configuration had.
    pub(crate) fn is_of_save(
        &self,
        recipients: &Recipients,
        key: &str,
        value: &RawValue,
        ttl: Option<Duration>,
    ) -> bool {
        self.key() == key
            && self.value() == value.get()
            && self.recipients == *recipients
            && ttl.is_none_or(|ttl| in_milliseconds(ttl) == self.document.ttl_ms)
    }

    /// Corrects the time of saving, which another clock has shown, by the difference from this machine's clock.
    #[cfg(feature = "redis")]
    pub(crate) fn shift_time(&mut self, forward: Duration, back: Duration) {
        let shifted = self.time.checked_add(forward);
        self.time = (shifted.and_then(|time| time.checked_sub(back))).unwrap_or(self.time);
    }

    /// Whether this entry deletes the earlier value of its key.
    pub(crate) fn is_tombstone(&self) -> bool {
        self.document.deleted
    }

    /// The audience whose streams this entry ends.
    pub(crate) fn revoked_audience(&self) -> Option<&str> {
        self.document.revokes.as_deref()
    }

    /// Whether this entry tells that a value of its key was lost.
    pub(crate) fn is_loss(&self) -> bool {
        self.document.lost
    }

    /// Whether this entry is a saved value, and not a deletion, a revocation or a loss.
    pub(crate) fn has_value(&self) -> bool {
        !self.is_tombstone() && !self.is_loss() && self.revoked_audience().is_none()
    }

    /// How long ago the entry was saved, by the wall clock; `None` if the clock was set back since.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        match now.duration_since(self.time) {
            Ok(age) => Some(age),
            Err(ahead) => (ahead.duration() <= MAX_CLOCK_SKEW).then_some(Duration::ZERO),
        }
    }

    /// When the entry's time to live is over; `None` if it does not expire.
    ///
    /// A time of saving in the future, because the clock was set back since, counts as `now`.
    pub(crate) fn expires_at(&self, now: SystemTime) -> Option<SystemTime> {
        let ttl = Duration::from_millis(self.document.ttl_ms);
        if ttl.is_zero() {
            None
        } else {
            self.time.min(now).checked_add(ttl)
        }
    }
}

impl Document {
    fn addressed_to(mut self, recipients: &Recipients) -> Self {
        if let Recipients::HoldersOf(names) = recipients {
            self.to = Some((**names).into());
            self.required_features = [AUDIENCES.into()].into();
        }
        self
    }

    fn unsupported_feature(&self) -> Option<&String> {
        let mut features = self.required_features.iter();
        features.find(|feature| !matches!(feature.as_str(), AUDIENCES | REVOCATIONS | LOSSES))
    }

    /// Takes the list of audiences out of the document. The error is the reason why the entry cannot be used: older
    /// versions would ignore a list without its feature, and send the value to every client.
    fn take_recipients(&mut self) -> Result<Recipients, String> {
        let needs = |feature: &str| {
            self.required_features
                .iter()
                .any(|needed| needed == feature)
        };
        if self.to.is_some() != needs(AUDIENCES) || self.revokes.is_some() != needs(REVOCATIONS) {
            return Err("its audiences do not match the features that it needs".into());
        }
        let revoked = self.revokes.as_deref().map(crate::audience::validate);
        let recipients = Recipients::new(self.to.take().map(Vec::from));
        (revoked.transpose().and(recipients)).map_err(|error| error.message().to_owned())
    }
}

/// Neither part needs escaping: the time has no character that JSON escapes, and the value is JSON.
fn envelope(time: &str, value: &str) -> String {
    format!("{{\"timestamp\":\"{time}\",\"value\":{value}}}")
}

/// Encodes the journal's document for a public value saved at `time`.
#[cfg(any(test, fuzzing, feature = "__internals"))]
pub(crate) fn encode_document(
    key: &str,
    value: Box<RawValue>,
    ttl: Duration,
    time: SystemTime,
) -> Vec<u8> {
    to_bytes(&new_document(key, value, ttl, time))
}

fn new_document(key: &str, value: Box<RawValue>, ttl: Duration, time: SystemTime) -> Document {
    // A drop-in may be dated before 1970, which RFC 3339 as written by humantime cannot express.
    let time = time.max(SystemTime::UNIX_EPOCH);
    Document {
        time: humantime::format_rfc3339_millis(time).to_string().into(),
        ttl_ms: in_milliseconds(ttl),
        key: key.into(),
        value,
        deleted: false,
        drop_in: None,
        idempotency_key: None,
        trace: None,
        to: None,
        revokes: None,
        lost: false,
        required_features: Box::default(),
    }
}

/// Rounded up, because 0 stands for "until it is swept".
fn in_milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Encodes the journal's document for a value saved at `time` for these recipients.
pub(crate) fn encode_document_for(
    recipients: &Recipients,
    key: &str,
    value: Box<RawValue>,
    ttl: Duration,
    time: SystemTime,
    idempotency_key: Option<&str>,
    trace_parent: Option<&TraceParent>,
) -> Vec<u8> {
    let document = Document {
        idempotency_key: idempotency_key.map(Into::into),
        trace: trace_parent.cloned().map(Box::new),
        ..new_document(key, value, ttl, time)
    };
    to_bytes(&document.addressed_to(recipients))
}

/// Encodes the journal's document that ends the streams which hold the audience `name`.
pub(crate) fn encode_revocation(name: &str, now: SystemTime) -> Vec<u8> {
    to_bytes(&Document {
        revokes: Some(name.into()),
        required_features: [REVOCATIONS.into()].into(),
        ..new_document("", RawValue::NULL.to_owned(), Duration::ZERO, now)
    })
}

/// Encodes the journal's document for a value that another program saved as the drop-in `name`.
pub(crate) fn encode_drop_in_document(
    name: &str,
    key: &str,
    value: Box<RawValue>,
    ttl: Duration,
    time: SystemTime,
) -> Vec<u8> {
    to_bytes(&Document {
        drop_in: Some(name.into()),
        ..new_document(key, value, ttl, time)
    })
}

/// Encodes the journal's document that deletes a key's value: that of these recipients, or that of everyone
/// and of every audience.
pub(crate) fn encode_tombstone(recipients: &Recipients, key: &str, now: SystemTime) -> Vec<u8> {
    let document = Document {
        deleted: true,
        ..new_document(key, RawValue::NULL.to_owned(), Duration::ZERO, now)
    };
    to_bytes(&document.addressed_to(recipients))
}

/// Encodes the journal's document which tells that a value of the key was lost.
pub(crate) fn encode_loss(key: &str, now: SystemTime) -> Vec<u8> {
    to_bytes(&Document {
        lost: true,
        required_features: [LOSSES.into()].into(),
        ..new_document(key, RawValue::NULL.to_owned(), Duration::ZERO, now)
    })
}

fn to_bytes(document: &Document) -> Vec<u8> {
    serde_json::to_vec(document).expect("strings, numbers and JSON always serialise")
}

/// An entry that was saved but cannot be used.
#[derive(Debug)]
pub(crate) struct UnreadableEntry {
    #[cfg_attr(
        not(any(feature = "actix", test)),
        expect(dead_code, reason = "only the hub logs the reason")
    )]
    pub(crate) reason: String,
    /// Known if the entry needs a feature which this version does not support. It still replaces the
    /// earlier ones of its key.
    pub(crate) key: Option<String>,
}
