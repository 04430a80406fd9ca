//! Processes of login tools, which end with their last waiting caller.

use std::collections::BTreeSet;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// A credential is a few kilobytes: a token, or a certificate with its chain and its key.
const STDOUT_LIMIT: u64 = 1 << 20;
/// Further output is read, so that the tool does not block, and dropped.
const STDERR_LIMIT: usize = 16 << 10;

/// Standard error of a login tool so far.
pub(super) type Said = Arc<Mutex<Vec<u8>>>;

/// The end of a login tool.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
}

/// The reason why a login tool did not end normally.
#[derive(Debug)]
pub(super) enum RunError {
    /// It cannot be started.
    Start(io::Error),
    /// Its output cannot be read.
    Read(io::Error),
    /// It printed more than the limit.
    TooLong,
    /// It exceeded the deadline and was killed.
    Timeout(Duration),
}

/// Runs a login tool. It is killed after the deadline, when the future is dropped, and by [`kill_all`]; with its child
/// processes unless it shares the terminal.
pub(super) async fn run(
    mut command: Command,
    has_terminal: bool,
    said: &Said,
    deadline: Duration,
) -> Result<Ended, RunError> {
    command.stdout(Stdio::piped()).kill_on_drop(true);
    if has_terminal {
        // It prompts there, as with kubectl.
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        // A process group that is not the terminal's could not read from it.
        #[cfg(unix)]
        command.process_group(0);
    }
    end_with_program();
    let mut child = command.spawn().map_err(RunError::Start)?;
    let kill = Kill::new(&child, has_terminal);
    let ended = tokio::time::timeout(deadline, until_end(&mut child, said))
        .await
        .unwrap_or(Err(RunError::Timeout(deadline)))?;
    // Processes that it leaves running on purpose, such as a cache, stay.
    kill.not();
    Ok(ended)
}

async fn until_end(child: &mut Child, said: &Said) -> Result<Ended, RunError> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, ()) = tokio::try_join!(read(stdout), async {
        listen(stderr, said).await;
        Ok(())
    })?;
    let status = child.wait().await.map_err(RunError::Read)?;
    Ok(Ended { status, stdout })
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, RunError> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let mut bounded = from.take(STDOUT_LIMIT + 1);
        let length = bounded.read_to_end(&mut bytes).await;
        if length.map_err(RunError::Read)? as u64 > STDOUT_LIMIT {
            return Err(RunError::TooLong);
        }
    }
    Ok(bytes)
}

/// Its standard error explains a failure but never causes one.
async fn listen(from: Option<impl AsyncRead + Unpin>, said: &Said) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let mut said = locked(said);
        let rest = STDERR_LIMIT.saturating_sub(said.len());
        said.extend_from_slice(&chunk[..length.min(rest)]);
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The target to kill at the end: a process group, or one process, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Group(u32),
    Process(u32),
}

static RUNNING: Mutex<BTreeSet<Target>> = Mutex::new(BTreeSet::new());

/// Kills the running login tools at the end of the program.
pub(crate) fn kill_all() {
    for target in std::mem::take(&mut *locked(&RUNNING)) {
        kill(target);
    }
}

/// Kills a target when it is dropped.
struct Kill(Option<Target>);

impl Kill {
    /// Keeps a target that has ended by itself.
    fn not(mut self) {
        if let Some(target) = self.0.take() {
            locked(&RUNNING).remove(&target);
        }
    }

    fn new(child: &Child, has_terminal: bool) -> Self {
        let target = child.id().map(if has_terminal {
            Target::Process
        } else {
            Target::Group
        });
        locked(&RUNNING).extend(target);
        Self(target)
    }
}

impl Drop for Kill {
    fn drop(&mut self) {
        // Another thread may have killed it at the end of the program.
        if let Some(target) = self.0.filter(|target| locked(&RUNNING).remove(target)) {
            kill(target);
        }
    }
}

#[cfg(unix)]
fn kill(target: Target) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    let (Target::Group(number) | Target::Process(number)) = target;
    let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) else {
        return;
    };
    // An error means that the process does not exist any more.
    _ = match target {
        Target::Group(_) => kill_process_group(pid, Signal::KILL),
        Target::Process(_) => kill_process(pid, Signal::KILL),
    };
}

/// The runtime kills the process itself.
#[cfg(not(unix))]
fn kill(_: Target) {}

/// Ends the login tools on SIGINT and SIGTERM, as the terminal does with those in the program's own group; a command
/// that handles the signal would otherwise wait for them. If no command handles it, the program ends too.
#[cfg(unix)]
fn end_with_program() {
    use tokio::signal::unix::{SignalKind, signal};
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            // If no handler can be installed, the system ends the program alone.
            let Ok(mut received) = signal(kind) else {
                continue;
            };
            tokio::spawn(async move {
                while received.recv().await.is_some() {
                    kill_all();
                    if !crate::signals::are_handled() {
                        std::process::exit(128 + kind.as_raw_value());
                    }
                }
            });
        }
    });
}

#[cfg(not(unix))]
fn end_with_program() {}
