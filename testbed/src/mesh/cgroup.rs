//! The control groups of a node: one below each hierarchy (cgroup version 1), gone
//! when the bed ends, however it ends.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::BedError;

const HIERARCHIES: &str = "/sys/fs/cgroup";

/// Waits for the owner's end, then removes the groups as soon as the processes in
/// them are gone: a group with a process in it can't be removed.
const REMOVE_AFTERWARDS: &str = "read -r line
tries=0
while [ $tries -lt 100 ]; do
  left=
  for group in /sys/fs/cgroup/*/\"$1\"; do
    [ -d \"$group\" ] || continue
    find \"$group\" -depth -type d -exec rmdir {} \\; 2>/dev/null
    [ -d \"$group\" ] && left=yes
  done
  [ -z \"$left\" ] && exit
  tries=$((tries + 1)); sleep 0.1
done";

#[derive(Debug)]
pub(super) struct Cgroups {
    name: String,
    remover: Child,
}

impl Cgroups {
    /// Whether this machine has hierarchies of version 1, on which this bed runs.
    pub(super) fn are_supported() -> bool {
        Path::new(HIERARCHIES).join("cpuset/cpuset.cpus").exists()
    }

    pub(super) fn make(name: &str) -> Result<Self, BedError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| BedError::File { path, source }
        };
        // First who cleans up, then what there is to clean up.
        let remover = Command::new("/bin/sh")
            .args(["-c", REMOVE_AFTERWARDS, "owned-cgroups", name])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed(Path::new("/bin/sh")))?;
        let groups = Self {
            name: name.to_owned(),
            remover,
        };
        let root = Path::new(HIERARCHIES);
        for hierarchy in fs::read_dir(root).map_err(failed(root))? {
            let hierarchy = hierarchy.map_err(failed(root))?;
            // Some stand there a second time as links, such as `cpu,cpuacct`.
            if !hierarchy.file_type().map_err(failed(root))?.is_dir() {
                continue;
            }
            let group = hierarchy.path().join(name);
            fs::create_dir(&group).map_err(failed(&group))?;
        }
        // A new group of processors and memory starts with none.
        let cpuset = root.join("cpuset");
        for setting in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (cpuset.join(setting), cpuset.join(name).join(setting));
            let value = fs::read(&from).map_err(failed(&from))?;
            fs::write(&to, value).map_err(failed(&to))?;
        }
        Ok(groups)
    }

    /// For the kubelet's `cgroupRoot`.
    pub(super) fn root(&self) -> PathBuf {
        Path::new("/").join(&self.name)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        drop(self.remover.stdin.take());
        let _already_reaped = self.remover.wait();
    }
}
