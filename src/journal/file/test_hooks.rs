//! Lets tests stall a writer between two of its steps, or break a rule to prove that they notice.

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

#[cfg(test)]
pub(super) use for_tests::{set_hooks, stall_point, uses_plain_mkdir};

#[cfg(test)]
mod for_tests {
    use std::cell::{Cell, RefCell};

    thread_local! {
        static STALL: RefCell<Box<dyn FnMut()>> = RefCell::new(Box::new(|| ()));
        static USES_PLAIN_MKDIR: Cell<bool> = const { Cell::new(false) };
    }

    /// Affects the later writes of this thread.
    pub(in super::super) fn set_hooks(stall: impl FnMut() + 'static, uses_plain_mkdir: bool) {
        STALL.with_borrow_mut(|current| *current = Box::new(stall));
        USES_PLAIN_MKDIR.set(uses_plain_mkdir);
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
