//! Runs of the program, which may be ended at any moment.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use shared::Mesh;
use testbed::Testbed;

/// Longer than any run of a few objects takes, with an outage in it.
const LONGEST: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(10);
/// A hundred objects are done within some tenths of a second.
const MOMENT: Duration = Duration::from_millis(1);

/// When something happens to a run, unless it has ended before.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// So many milliseconds after it began: most of the time it looks at the clusters.
    After(u64),
    /// When so many objects are done.
    Done(usize),
}

/// A run under way.
pub(super) struct Run {
    child: Child,
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The process.
    pub(super) pid: u32,
    /// `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// All that it wrote.
    pub(super) output: String,
}

impl Run {
    /// Begins `apply` or `remove`.
    pub(super) fn begin(bed: &Testbed, mesh: &Mesh, command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.yaml");
        std::fs::write(&path, mesh.to_yaml()).unwrap();
        // Into files: a pipe that nobody reads would hold the run up.
        let file = |name| Stdio::from(File::create(folder.path().join(name)).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
            .args([command, "--yes", "--allow-delete=100000", "-f"])
            .arg(path)
            .arg("--kubeconfig")
            .arg(bed.kubeconfig())
            .env("FEDMESH_LEASE_DURATION", "3s")
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// Waits for a moment.
    pub(super) async fn reach(&mut self, moment: Moment) {
        let begun = Instant::now();
        let is_reached = |run: &Self| match moment {
            Moment::After(milliseconds) => begun.elapsed().as_millis() >= milliseconds.into(),
            Moment::Done(objects) => run.read("out").lines().count() >= objects,
        };
        while !is_reached(self) && self.child.try_wait().unwrap().is_none() {
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// Sends a signal, unless the run has ended.
    pub(super) fn signal(&mut self, signal: &str) {
        if self.child.try_wait().unwrap().is_none() {
            let pid = self.child.id().to_string();
            let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
            assert!(sent.success(), "kill {signal} {pid}");
        }
    }

    /// Waits until it has ended.
    pub(super) fn end(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > LONGEST {
                self.signal("-KILL");
                self.child.wait().unwrap();
                panic!("the run does not end: {}", self.output());
            }
            std::thread::sleep(POLL);
        };
        Ended {
            pid: self.child.id(),
            code: status.code(),
            output: self.output(),
        }
    }

    fn output(&self) -> String {
        format!("{}{}", self.read("err"), self.read("out"))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}
