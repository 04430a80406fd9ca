//! The control groups of a node: one in each hierarchy (cgroup version 1), removed when the bed ends, however it ends.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::BedError;

const HIERARCHIES: &str = "/sys/fs/cgroup";

/// Waits for the owner's end, then removes the groups as soon as their processes have ended: a group with a process
/// cannot be removed.
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
    /// Whether this machine has hierarchies of version 1, which the bed requires.
    pub(super) fn are_supported() -> bool {
        Path::new(HIERARCHIES).join("cpuset/cpuset.cpus").exists()
    }

    pub(super) fn make(name: &str) -> Result<Self, BedError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| BedError::File { path, source }
        };
        // Start the cleanup before anything needs it.
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
            // Some appear a second time as links, such as `cpu,cpuacct`.
            if !hierarchy.file_type().map_err(failed(root))?.is_dir() {
                continue;
            }
            let group = hierarchy.path().join(name);
            fs::create_dir(&group).map_err(failed(&group))?;
        }
        // A new group of processors and memory is empty.
        let cpuset = root.join("cpuset");
        for setting in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (cpuset.join(setting), cpuset.join(name).join(setting));
            let value = fs::read(&from).map_err(failed(&from))?;
            fs::write(&to, value).map_err(failed(&to))?;
        }
        Ok(groups)
    }

    /// The value of the kubelet's `cgroupRoot`.
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
