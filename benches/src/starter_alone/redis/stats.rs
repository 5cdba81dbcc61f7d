//! What Redis reports about itself.

use std::io;

use redis::Connection;

/// The counters of Redis at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stats {
    /// Executed commands, including those that scripts call.
    pub(super) commands: u64,
    /// Bytes that Redis has received and sent.
    pub(super) bytes: u64,
    /// The bytes of this report, which Redis counts only afterwards, and its command.
    own_bytes: u64,
    /// Bytes in use, with what the allocator wastes in pages but without its free pages.
    pub(super) memory: u64,
}

impl Stats {
    pub(super) fn read(connection: &mut Connection) -> io::Result<Self> {
        const SECTIONS: [&str; 3] = ["stats", "commandstats", "memory"];
        let mut command = redis::cmd("INFO");
        command.arg(&SECTIONS);
        let report: String = command.query(connection).map_err(io::Error::other)?;
        let framing = "$\r\n\r\n".len() + report.len().to_string().len();
        Ok(Self {
            commands: calls(&report),
            bytes: field(&report, "total_net_input_bytes")?
                + field(&report, "total_net_output_bytes")?,
            own_bytes: (report.len() + framing + command.get_packed_command().len()) as u64,
            memory: field(&report, "used_memory")?,
        })
    }

    /// Commands and bytes since `earlier`, without those of the reports.
    pub(super) fn since(&self, earlier: &Self) -> (u64, u64) {
        let commands = self.commands - earlier.commands;
        let bytes = self.bytes - earlier.bytes;
        (
            commands.saturating_sub(1),
            bytes.saturating_sub(earlier.own_bytes),
        )
    }
}

/// The sum of the calls of all commands.
fn calls(report: &str) -> u64 {
    let commands = report.lines().filter(|line| line.starts_with("cmdstat_"));
    commands
        .filter_map(|line| line.split_once(":calls=")?.1.split(',').next())
        .filter_map(|calls| calls.parse::<u64>().ok())
        .sum()
}

fn field(report: &str, name: &str) -> io::Result<u64> {
    let value = report
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value
        .and_then(|value| value.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("Redis does not report {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_all_commands_are_added() {
        let report = "# Commandstats\r\n\
                      cmdstat_xread:calls=12,usec=3,usec_per_call=0.25,failed_calls=0\r\n\
                      cmdstat_config|get:calls=30,usec=4,usec_per_call=0.13,failed_calls=0\r\n";
        assert_eq!(calls(report), 42);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let report = "used_memory_human:1K\r\nused_memory:1024\r\n";
        assert_eq!(field(report, "used_memory").unwrap(), 1024);
        assert!(field(report, "memory").is_err());
    }
}
