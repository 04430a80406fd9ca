//! What this process takes of the memory (Linux).

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

fn field(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024.0
}
