//! What this process takes of the memory and of the processors (Linux).

use std::time::Duration;

/// Resident, in megabytes.
pub(crate) fn now() -> f64 {
    field("VmRSS:")
}

/// The most that was resident since [`reset_peak`], in megabytes.
pub(crate) fn peak() -> f64 {
    field("VmHWM:")
}

/// See proc_pid_clear_refs(5).
pub(crate) fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// How long processors have worked for it, in steps of 10 ms; see proc_pid_stat(5).
pub(crate) fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which may have blanks in it.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn field(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024.0
}
