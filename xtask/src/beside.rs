//! A part of the test run that runs concurrently with the others.

use std::io::Write as _;
use std::thread::{Scope, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use testbed::process::OwnedProcess;

use crate::parts::Part;

/// A part in a second process of this program, whose output is kept until it can be printed in one piece.
pub(crate) struct Beside<'scope> {
    pub(crate) part: Part,
    running: ScopedJoinHandle<'scope, Ended>,
}

struct Ended {
    result: Result<()>,
    time: Duration,
    output: String,
}

impl<'scope> Beside<'scope> {
    /// Starts the part.
    pub(crate) fn start(
        scope: &'scope Scope<'scope, '_>,
        part: Part,
        is_long: bool,
    ) -> Result<Self> {
        let folder = TempDir::new().context("cannot create a temporary folder")?;
        let program = std::env::current_exe().context("cannot find this program's file")?;
        let mut arguments = vec!["test", "--only", part.name()];
        if is_long {
            arguments.push("--long");
        }
        let log = folder.path().join("output");
        let process = OwnedProcess::start(&program, arguments, &[], &log)
            .context("cannot run this program again")?;
        let running = scope.spawn(move || wait(process, folder));
        Ok(Self { part, running })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.running.is_finished()
    }

    /// Waits for the end of the part, prints its output, and returns its result and duration.
    pub(crate) fn end(self) -> (Result<()>, Duration) {
        let ended = self.running.join();
        let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let shown = std::io::stdout().write_all(ended.output.as_bytes());
        (
            ended.result.and(shown.context("cannot print its output")),
            ended.time,
        )
    }
}

fn wait(mut process: OwnedProcess, folder: TempDir) -> Ended {
    let start = Instant::now();
    let result = status(&mut process);
    let time = start.elapsed();
    let output = process.output().context("cannot read its output");
    drop(folder);
    let (output, result) = match output {
        Ok(output) => (output, result),
        Err(error) => (String::new(), result.and(Err(error))),
    };
    Ended {
        result,
        time,
        output,
    }
}

fn status(process: &mut OwnedProcess) -> Result<()> {
    loop {
        match process.exit_status().context("cannot wait for it")? {
            None => sleep(Duration::from_millis(200)),
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("its output is above ({status})"),
        }
    }
}
