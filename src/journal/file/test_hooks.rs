//! Lets tests stall a writer between two of its steps, break a rule to prove that they notice, or restart
//! the machine.

/// Called between a writer's system calls.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn stall_point() {}

/// Whether rule 2 is broken: folders are created in their final place, by a plain `mkdir`.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn uses_plain_mkdir() -> bool {
    false
}

/// Which boot of the machine this is, if that is known.
#[cfg(not(test))]
pub(super) use crate::platform::boot_id;

#[cfg(test)]
pub(super) use for_tests::{boot_id, set_boot_id, set_hooks, stall_point, uses_plain_mkdir};

#[cfg(test)]
mod for_tests {
    use std::cell::{Cell, RefCell};

    thread_local! {
        static STALL: RefCell<Box<dyn FnMut()>> = RefCell::new(Box::new(|| ()));
        static USES_PLAIN_MKDIR: Cell<bool> = const { Cell::new(false) };
        /// `None` if this thread sees the machine's.
        static BOOT_ID: Cell<Option<Option<u128>>> = const { Cell::new(None) };
    }

    /// Affects the later writes of this thread.
    pub(in super::super) fn set_hooks(stall: impl FnMut() + 'static, uses_plain_mkdir: bool) {
        STALL.with_borrow_mut(|current| *current = Box::new(stall));
        USES_PLAIN_MKDIR.set(uses_plain_mkdir);
    }

    /// What this thread sees from now on.
    pub(in super::super) fn set_boot_id(boot_id: Option<u128>) {
        BOOT_ID.set(Some(boot_id));
    }

    pub(in super::super) fn boot_id() -> Option<u128> {
        BOOT_ID.get().unwrap_or_else(crate::platform::boot_id)
    }

    pub(in super::super) fn stall_point() {
        STALL.with(|stall| {
            // Writes of the stall function itself do not stall.
            if let Ok(mut stall) = stall.try_borrow_mut() {
                stall();
            }
        });
    }

    pub(in super::super) fn uses_plain_mkdir() -> bool {
        USES_PLAIN_MKDIR.get()
    }
}
