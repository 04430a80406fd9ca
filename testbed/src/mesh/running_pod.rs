//! A pod from the machine's view: processes in a network namespace and a control group.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::network::command_in;
use crate::BedError;

const MEMORY_GROUPS: &str = "/sys/fs/cgroup/memory";

/// A running pod.
#[derive(Debug, Clone)]
pub struct RunningPod {
    uid: String,
    /// One of its processes.
    process: u32,
}

impl RunningPod {
    pub(super) fn of(uid: String) -> Option<Self> {
        let group = format!("/pod{uid}/");
        let processes = fs::read_dir("/proc").ok()?;
        let process = processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find(|process| {
                // A process may end in the meantime.
                fs::read_to_string(format!("/proc/{process}/cgroup"))
                    .is_ok_and(|groups| groups.contains(&group))
            })?;
        Some(Self { uid, process })
    }

    /// A command that runs in the pod's network, behind its sidecar: a program of this machine, as if it were in one of
    /// the pod's containers.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command_in(
            Path::new(&format!("/proc/{}/ns/net", self.process)),
            program,
        )
    }

    /// Memory of all its processes without the page cache, in bytes: `total_rss` of its control group.
    ///
    /// # Errors
    /// The pod has ended.
    pub fn memory(&self) -> Result<u64, BedError> {
        let path = PathBuf::from(format!("/proc/{}/cgroup", self.process));
        let groups = read(&path)?;
        // `4:memory:/fedmesh-123-1/burstable/pod<uid>/<container>`
        let group = groups
            .lines()
            .filter_map(|line| line.split_once(":memory:"))
            .find_map(|(_, group)| {
                let (before, _container) = group.split_once(&self.uid)?;
                Some(format!("{MEMORY_GROUPS}{before}{}", self.uid))
            });
        let statistics = Path::new(&group.unwrap_or_default()).join("memory.stat");
        let lines = read(&statistics)?;
        let bytes = lines
            .lines()
            .find_map(|line| line.strip_prefix("total_rss "))
            .and_then(|bytes| bytes.parse().ok());
        bytes.ok_or_else(|| BedError::Command {
            command: format!("total_rss of {}", statistics.display()),
            output: lines,
        })
    }
}

fn read(path: &Path) -> Result<String, BedError> {
    fs::read_to_string(path).map_err(|source| BedError::File {
        path: path.to_owned(),
        source,
    })
}
