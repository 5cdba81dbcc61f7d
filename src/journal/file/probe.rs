//! Where tests stop a writer, or break a rule to see that they notice.

/// Called between a writer's system calls.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn step() {}

/// Whether rule 2 is broken on purpose.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn plain_mkdir() -> bool {
    false
}

#[cfg(test)]
pub(super) use for_tests::{plain_mkdir, set, step};

#[cfg(test)]
mod for_tests {
    use std::cell::{Cell, RefCell};

    thread_local! {
        static STALL: RefCell<Box<dyn FnMut()>> = RefCell::new(Box::new(|| ()));
        static PLAIN_MKDIR: Cell<bool> = const { Cell::new(false) };
    }

    /// For this thread's writes from now on.
    pub(in super::super) fn set(stall: impl FnMut() + 'static, plain_mkdir: bool) {
        STALL.with_borrow_mut(|current| *current = Box::new(stall));
        PLAIN_MKDIR.set(plain_mkdir);
    }

    pub(in super::super) fn step() {
        STALL.with(|stall| {
            // A writer that the stall itself runs does not stall.
            if let Ok(mut stall) = stall.try_borrow_mut() {
                stall();
            }
        });
    }

    pub(in super::super) fn plain_mkdir() -> bool {
        PLAIN_MKDIR.get()
    }
}
