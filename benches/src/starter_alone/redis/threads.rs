//! Threads that do the same work at the same time.

use std::{
    io,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Each number below `count` is given to one thread. Returns how long all of it took, without what `prepare` does once
/// in each thread.
pub(super) fn run<T>(
    threads: usize,
    count: usize,
    prepare: impl Fn() -> io::Result<T> + Sync,
    work: impl Fn(&mut T, usize) -> io::Result<()> + Sync,
) -> io::Result<Duration> {
    // Only a counter: no other data depends on it.
    let next = AtomicUsize::new(0);
    // One more than the threads, for the clock.
    let start = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let prepared = prepare();
                    start.wait();
                    let mut prepared = prepared?;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return io::Result::Ok(());
                        }
                        work(&mut prepared, number)?;
                    }
                })
            })
            .collect();
        start.wait();
        let started = Instant::now();
        for worker in workers {
            worker.join().expect("the work does not panic")?;
        }
        Ok(started.elapsed())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_given_to_one_thread() {
        let sum = AtomicUsize::new(0);
        let add = |(): &mut (), number| {
            sum.fetch_add(number, Ordering::Relaxed);
            Ok(())
        };
        run(3, 100, || Ok(()), add).unwrap();
        assert_eq!(sum.into_inner(), 99 * 100 / 2);
    }

    #[test]
    fn an_error_of_one_thread_is_returned() {
        let fail = |(): &mut (), number| match number {
            7 => Err(io::Error::other("the seventh")),
            _ => Ok(()),
        };
        let error = run(3, 100, || Ok(()), fail).unwrap_err();
        assert_eq!(error.to_string(), "the seventh");
    }
}
