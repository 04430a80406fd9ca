//! A running `fedmesh-agent serve`.

use std::path::Path;
use std::time::{Duration, Instant};

use testbed::process::OwnedProcess;

const TIMEOUT: Duration = Duration::from_secs(30);

/// An agent, ended with this value.
pub(crate) struct AgentProcess {
    process: OwnedProcess,
    link: String,
    _state: tempfile::TempDir,
}

impl AgentProcess {
    /// Starts it on a free port, for the contexts of a kubeconfig.
    pub(crate) fn serve(kubeconfig: &Path) -> Self {
        let state = tempfile::tempdir().unwrap();
        let process = OwnedProcess::start(
            Path::new(env!("CARGO_BIN_EXE_fedmesh-agent")),
            [
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--kubeconfig",
                kubeconfig.to_str().unwrap(),
            ],
            &[("XDG_STATE_HOME", state.path().as_os_str())],
            &state.path().join("agent.log"),
        )
        .unwrap();
        let start = Instant::now();
        let link = loop {
            let output = process.output().unwrap();
            // Whole lines only: the last one may still be on its way.
            let lines = output
                .split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'));
            if let Some(link) = lines.into_iter().find(|line| line.starts_with("http://")) {
                break link.to_owned();
            }
            assert!(start.elapsed() < TIMEOUT, "no link: {output}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self {
            process,
            link,
            _state: state,
        }
    }

    /// The link that it printed.
    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end: its exit code, and all it printed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.exit_status().unwrap() {
                return (status.code(), self.process.output().unwrap());
            }
            assert!(
                start.elapsed() < TIMEOUT,
                "it goes on: {}",
                self.process.output().unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
