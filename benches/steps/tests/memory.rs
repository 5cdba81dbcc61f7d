//! How much memory the audiences of a stream take.
#![allow(missing_docs, reason = "a test has no users")]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot continue has failed"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use actix_web_sse::{Subscription, bench_support::Streams};
use sse_steps::App;

/// The limit for a stream with five names.
const MAX_BYTES: usize = 200;

/// The lists double their capacity, so a stream costs the most just after they have: there is one number before
/// and one after each power of two.
const STREAM_COUNTS: [usize; 4] = [1_000, 1_100, 8_000, 8_200];

thread_local! {
    /// What this thread allocated and has not freed, in bytes. Other threads are not counted: the one that reads the
    /// journal allocates its buffers at any moment.
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: every call is passed on to the system's allocator.
#[allow(
    unsafe_code,
    reason = "an allocator is the one way to count the bytes that are allocated"
)]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().wrapping_add(layout.size()));
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.set(ALLOCATED.get().wrapping_sub(layout.size()));
        // SAFETY: see above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How many bytes are allocated for this many streams of different users.
fn allocated_bytes(count: usize, grant: impl Fn(usize, Subscription) -> Subscription) -> usize {
    let app = App::new();
    let open = async {
        // The first stream starts the threads.
        let _first = Streams::open(&app.cache, 1).unwrap();
        let before = ALLOCATED.get();
        let streams = Streams::open_with(&app.cache, count, grant).unwrap();
        let after = ALLOCATED.get();
        drop(streams);
        after.wrapping_sub(before)
    };
    actix_web::rt::System::new().block_on(open)
}

/// Names as an app may choose them.
fn grant_five(user: usize, subscription: Subscription) -> Subscription {
    subscription
        .grant(format!("user:{user}"))
        .grant(format!("order:{}", 1_000_000 + user))
        .grant(format!("team:{}", user / 10))
        .grant(format!("tenant:{}", user / 100))
        .grant("role:member")
}

#[test]
fn five_names_cost_a_stream_at_most_200_bytes() {
    for count in STREAM_COUNTS {
        let public = allocated_bytes(count, |_, subscription| subscription);
        let private = allocated_bytes(count, grant_five);
        let each = private.saturating_sub(public) / count;
        println!(
            "{count} streams: {} bytes each, and {each} for five names",
            public / count
        );
        assert!(
            each <= MAX_BYTES,
            "{count} streams: {each} bytes for five names"
        );
        // Otherwise this would not have counted anything.
        assert!(each > 0);
    }
}
