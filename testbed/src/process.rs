//! Processes that end with their owner.
//!
//! A daemon that a test starts must not outlive the test, not even if the test is killed with -9 and no destructor
//! runs. `PR_SET_PDEATHSIG` does not help: it fires when the *thread* that forked ends. So each daemon runs in a
//! process group of its own together with a tiny watcher that reads from a pipe; only the owner has the pipe's other
//! end, so when the owner ends, for whatever cause, the watcher reads end-of-file and kills the whole group.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// Starts the watcher and becomes the daemon, so that the owner's child process is the daemon itself: its exit status
/// and signals need no relay.
const WATCHED: &str = "exec 3<&0
(read -r line <&3; kill -KILL 0) &
exec 3<&- </dev/null
exec \"$@\"";

/// Waits for the owner's end, then removes a folder. Daemons may still be writing to it while they end, so it retries
/// for five seconds.
const REMOVE_AFTERWARDS: &str = "read -r line
tries=0
until rm -rf -- \"$1\" 2>/dev/null || [ $tries -ge 50 ]; do
  tries=$((tries + 1)); sleep 0.1
done";

/// A running process that is killed, with all children in its process group, when this value is dropped or this process
/// ends.
#[derive(Debug)]
pub struct OwnedProcess {
    child: Child,
    /// Closing it makes the watcher kill the group.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl OwnedProcess {
    /// Starts `program` with `arguments`; what it prints goes to the file `log`.
    ///
    /// # Errors
    /// The log can't be written or no shell can be started. That the *program*
    /// doesn't exist is seen in its exit status (127) and its log.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &OsStr)],
        log: &Path,
    ) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", WATCHED, "owned-process"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let lifeline = child.stdin.take();
        Ok(Self {
            child,
            lifeline,
            log: log.to_owned(),
        })
    }

    /// The daemon's process id, and its group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status if it has ended by itself.
    ///
    /// # Errors
    /// As [`Child::try_wait`].
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Its output so far.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn output(&self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// Stops it, like a hanging machine: connections stay open without responses.
    /// The watcher keeps running, so that it can still be killed.
    ///
    /// # Errors
    /// The process has ended.
    pub fn pause(&self) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.pid(), Signal::STOP)?)
    }

    /// Resumes it after [`OwnedProcess::pause`].
    ///
    /// # Errors
    /// The process has ended.
    pub fn resume(&self) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.pid(), Signal::CONT)?)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for OwnedProcess {
    fn drop(&mut self) {
        // Until the child is waited for, its id (and so its group's) cannot be reused. Afterwards only the watcher may
        // kill.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _already_gone = rustix::process::kill_process_group(self.pid(), Signal::KILL);
        }
        drop(self.lifeline.take());
        let _already_reaped = self.child.wait();
    }
}

/// A folder for daemons' files, removed when this value is dropped or this process ends. Drop it after the daemons.
#[derive(Debug)]
pub struct OwnedFolder {
    path: PathBuf,
    remover: Child,
}

impl OwnedFolder {
    /// A new empty folder, readable by this user only, in the system's folder for temporary files.
    ///
    /// # Errors
    /// The folder cannot be created, or no shell can be started.
    pub fn new(prefix: &str) -> io::Result<Self> {
        let path = tempfile::Builder::new().prefix(prefix).tempdir()?.keep();
        let remover = Command::new("/bin/sh")
            .args(["-c", REMOVE_AFTERWARDS, "owned-folder"])
            .arg(&path)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { path, remover })
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedFolder {
    fn drop(&mut self) {
        drop(self.remover.stdin.take());
        let _already_reaped = self.remover.wait();
    }
}

/// Identifies a process among later ones with the same id: after a crash or a reboot the id may be another process's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: i32,
    /// Start in clock ticks since the machine's boot (proc(5), field 22).
    pub started: u64,
    /// The boot of the machine in which it started.
    pub boot: String,
}

impl ProcessIdentity {
    /// The identity of a running process; `None` if no process has this id.
    ///
    /// # Errors
    /// This system has no `/proc`.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?
            .trim()
            .to_owned();
        let stat = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        Ok(start_time(&stat).map(|started| Self { pid, started, boot }))
    }

    /// Whether this very process still runs.
    ///
    /// # Errors
    /// As [`ProcessIdentity::of`].
    pub fn is_running(&self) -> io::Result<bool> {
        Ok(Self::of(self.pid.unsigned_abs())?.as_ref() == Some(self))
    }

    /// Ends this very process, with SIGTERM or by force with SIGKILL; does nothing if it has ended.
    ///
    /// # Errors
    /// It belongs to another user.
    pub fn end(&self, by_force: bool) -> io::Result<()> {
        if !self.is_running()? {
            return Ok(());
        }
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(());
        };
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        match rustix::process::kill_process(pid, signal) {
            Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Field 22 of a `/proc/PID/stat` line; `None` for a zombie, which no longer runs. The name in field 2 may contain
/// spaces and parentheses, so fields are counted from the last `)`.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn eventually(what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "not within 10 s: {what}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn runs(pid: u32) -> bool {
        ProcessIdentity::of(pid)
            .expect("this system has /proc")
            .is_some()
    }

    fn shell(folder: &Path, script: &str) -> OwnedProcess {
        OwnedProcess::start(
            Path::new("/bin/sh"),
            ["-c", script],
            &[],
            &folder.join("log"),
        )
        .expect("a shell")
    }

    #[test]
    fn the_start_time_is_found_after_an_odd_name() {
        let tail = "S 1 1 1 0 -1 4 100 0 0 0 0 0 0 0 20 0 1 0 4711 2 3";
        assert_eq!(start_time(&format!("7 (a) b (c)) {tail}")), Some(4711));
        assert_eq!(
            start_time("7 (gone) Z 1 1 1 0 -1 4 100 0 0 0 0 0 0 0 20 0 1 0 4711 2"),
            None
        );
        assert_eq!(start_time("nonsense"), None);
    }

    #[test]
    fn a_recycled_id_is_another_process() {
        let mut me = ProcessIdentity::of(std::process::id())
            .expect("/proc")
            .expect("running");
        assert!(me.is_running().expect("/proc"));
        me.started += 1;
        assert!(!me.is_running().expect("/proc"));
        me.end(true)
            .expect("it must not be killed, because it is another");
    }

    #[test]
    fn dropping_kills_the_process_and_its_children() {
        let folder = OwnedFolder::new("owned-process-").expect("a folder");
        let process = shell(folder.path(), "sleep 1000 & echo $!; wait");
        eventually("the child's id", || {
            process.output().expect("log").ends_with('\n')
        });
        let grandchild = process
            .output()
            .expect("log")
            .trim()
            .parse()
            .expect("an id");
        let child = process.id();
        assert!(runs(child) && runs(grandchild));
        drop(process);
        eventually("both are gone", || !runs(child) && !runs(grandchild));
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn an_early_end_has_its_status_and_output() {
        let folder = OwnedFolder::new("owned-process-").expect("a folder");
        let mut process = shell(folder.path(), "echo why; exit 3");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = process.exit_status().expect("status") {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(process.output().expect("log"), "why\n");
    }
}
