//! The ids of events.

/// The sequence number in the id of an entry's last event.
#[must_use]
pub fn number_in_id(id: &str) -> u64 {
    let (_, number) = id.split_once('-').unwrap();
    number.parse().unwrap()
}

/// The part of an event in the ids of its key: FNV-1a of its name, in 8 hexadecimal digits.
#[must_use]
pub fn event_part(name: &str) -> u32 {
    name.bytes().fold(2_166_136_261, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}
