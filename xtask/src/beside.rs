//! A part of the test run that goes on while the others have their turn.

use std::io::{self, Seek as _};
use std::process::{Command, Stdio};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use tempfile::NamedTempFile;

use crate::parts::Part;

/// It is this program once more, and what it prints is kept until it can be shown in one piece.
pub(crate) struct Beside<'scope> {
    pub(crate) part: Part,
    output: NamedTempFile,
    running: ScopedJoinHandle<'scope, (Result<()>, Duration)>,
}

impl<'scope> Beside<'scope> {
    /// Starts it. What this thread starts from then on gets the processors that it leaves free: it waits for most
    /// of its time, and has deadlines.
    pub(crate) fn start(
        scope: &'scope Scope<'scope, '_>,
        part: Part,
        is_long: bool,
    ) -> Result<Self> {
        let output = NamedTempFile::new().context("no temporary file")?;
        let mut command = Command::new(std::env::current_exe().context("this program's file")?);
        command.args(["test", "--only", part.name()]);
        if is_long {
            command.arg("--long");
        }
        let file = || output.as_file().try_clone().context("a temporary file");
        command.stdin(Stdio::null()).stdout(file()?).stderr(file()?);
        let start = Instant::now();
        let mut child = command.spawn().context("cannot run this program again")?;
        let running = scope.spawn(move || {
            let result = match child.wait() {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(anyhow!("its output is above ({status})")),
                Err(error) => Err(error.into()),
            };
            (result, start.elapsed())
        });
        rustix::process::nice(10).context("cannot give way")?;
        Ok(Self {
            part,
            output,
            running,
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.running.is_finished()
    }

    /// Waits for its end, shows what it printed, and gives how it went and how long that took.
    pub(crate) fn end(mut self) -> (Result<()>, Duration) {
        let ended = self.running.join();
        let (result, time) = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let shown = self.output.rewind();
        let shown = shown.and_then(|()| io::copy(self.output.as_file_mut(), &mut io::stdout()));
        let shown = shown.context("its output cannot be shown").map(drop);
        (result.and(shown), time)
    }
}
