//! What Linux reports about processes and files.

use std::{
    fs, io,
    ops::{AddAssign, Sub},
    path::Path,
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

/// CPU time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Precise to the nanosecond.
    pub(crate) total: Duration,
    /// The part spent in the kernel, counted in the kernel's ticks of 10 ms.
    pub(crate) system: Duration,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.system += other.system;
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// The CPU time that a process has used so far.
pub(crate) fn usage(process: u32) -> io::Result<Usage> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // The time of a thread that has ended is lost, but the servers end none.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
        total += Duration::from_nanos(nanos.unwrap_or(0));
    }
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name is in parentheses and may contain spaces; the fields after it are numbers.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .nth(12)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    Ok(Usage {
        total,
        system: Duration::from_millis(ticks * 10),
    })
}

/// The memory of a process in bytes. Shared memory counts in proportion (PSS).
pub(crate) fn memory(process: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes
        .and_then(|number| number.parse::<u64>().ok())
        .map(|number| number * 1024)
        .ok_or_else(|| io::Error::other("smaps_rollup has no Pss"))
}

/// The child processes.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// Whether a child has ended: it is a zombie until it is waited for.
pub(crate) fn has_ended(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// The CPU time that this thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    cpu_time(ClockId::ThreadCPUTime)
}

/// The CPU time that all threads of this process have used, also those that have ended.
pub(crate) fn process_cpu_time() -> Duration {
    cpu_time(ClockId::ProcessCPUTime)
}

fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// Raises the limit of open files as far as the system allows. The servers inherit it.
pub(crate) fn raise_file_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// The type of the file system of a path, and whether it has a journal.
pub(crate) fn file_system(path: &Path) -> io::Result<String> {
    let path = path.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
        path.starts_with(point)
            .then_some((point.len(), device, kind))
    });
    let (_, device, kind) = mounted
        .max_by_key(|(length, ..)| *length)
        .ok_or_else(|| io::Error::other("the file system of the path is not mounted"))?;
    let journal = kind == "ext4" && has_journal(device);
    Ok(match (kind, journal) {
        ("ext4", true) => "ext4 with a journal".to_owned(),
        ("ext4", false) => "ext4 without a journal".to_owned(),
        (kind, _) => kind.to_owned(),
    })
}

/// The kernel lists every journal of a file system here.
fn has_journal(device: &str) -> bool {
    let name = device.trim_start_matches("/dev/");
    fs::read_dir("/proc/fs/jbd2").is_ok_and(|journals| {
        journals.flatten().any(|journal| {
            let journal = journal.file_name();
            let journal = journal.to_string_lossy();
            journal
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('-'))
        })
    })
}

/// Processor and kernel of this machine.
pub(crate) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {model}, Linux {}", kernel.trim())
}
