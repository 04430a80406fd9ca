//! Processes that end with their owner.
//!
//! A daemon that a test starts must not outlive the test, not even when the test
//! is killed with -9 and no destructor runs. `PR_SET_PDEATHSIG` is no help: it
//! fires when the *thread* that forked ends. So each daemon runs in a process
//! group of its own together with a tiny watcher that reads from a pipe; only the
//! owner holds the pipe's other end, so when the owner is gone, by whatever
//! cause, the watcher reads end-of-file and kills the whole group.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// Starts the watcher and becomes the daemon, so that the process that the owner
/// holds is the daemon itself: its exit status and signals need no relay.
const WATCHED: &str = "exec 3<&0
(read -r line <&3; kill -KILL 0) &
exec 3<&- </dev/null
exec \"$@\"";

/// Waits for the owner's end, then removes a folder. Daemons may still be dying
/// and writing into it, so it tries for five seconds.
const REMOVE_AFTERWARDS: &str = "read -r line
tries=0
until rm -rf -- \"$1\" 2>/dev/null || [ $tries -ge 50 ]; do
  tries=$((tries + 1)); sleep 0.1
done";

/// A running process that is killed, with all its children that stayed in its
/// process group, when this value is dropped or this process ends.
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

    /// Its exit status when it has ended by itself.
    ///
    /// # Errors
    /// As [`Child::try_wait`].
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn output(&self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// Makes it stand still, as a machine that hangs: connections stay open and
    /// nothing answers. The watcher goes on, so that it still can be killed.
    ///
    /// # Errors
    /// The process is gone.
    pub fn pause(&self) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.pid(), Signal::STOP)?)
    }

    /// Lets it go on after [`OwnedProcess::pause`].
    ///
    /// # Errors
    /// The process is gone.
    pub fn resume(&self) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.pid(), Signal::CONT)?)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for OwnedProcess {
    fn drop(&mut self) {
        // Until the child is waited for, its id (and so its group's) can't be
        // given to another process. Once it has been, only the watcher may kill.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _already_gone = rustix::process::kill_process_group(self.pid(), Signal::KILL);
        }
        drop(self.lifeline.take());
        let _already_reaped = self.child.wait();
    }
}

/// A folder for daemons' files, removed when this value is dropped or this
/// process ends. Drop it after the daemons.
#[derive(Debug)]
pub struct OwnedFolder {
    path: PathBuf,
    remover: Child,
}

impl OwnedFolder {
    /// A new empty folder, readable by this user only, in the system's folder for
    /// temporary files.
    ///
    /// # Errors
    /// The folder can't be made, or no shell can be started.
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

    /// Where it is.
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

/// Tells a process from a later one that was given the same id: after a crash or
/// a reboot a remembered id may belong to anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did (proc(5), field 22).
    pub started: u64,
    /// Which boot of the machine it started in.
    pub boot: String,
}

impl ProcessIdentity {
    /// Of a running process; none when there is none with this id.
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

    /// Asks this very process to end (SIGTERM), or makes it (SIGKILL); does
    /// nothing when it has ended.
    ///
    /// # Errors
    /// It belongs to somebody else.
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

/// Field 22 of a `/proc/PID/stat` line; none for a zombie, which runs no more.
/// The name in field 2 may hold spaces and parentheses, so fields are counted
/// from the last `)`.
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
    fn an_early_end_is_seen_with_its_status_and_output() {
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
