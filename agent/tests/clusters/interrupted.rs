//! Runs of the program that are stopped or killed half-way, and those that go on from there.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use shared::plan::Action;

use crate::fixture::{EAST, Fixture, WEST, client, counts, document, shared_bed};

/// So many that a run takes a second at least.
const SERVICES: usize = 40;
/// So many objects are done before something happens.
const DONE: usize = 30;

/// A run under way. Its Leases outlive it by seconds only if it is killed.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

impl Running {
    /// Begins `apply` or `remove`.
    pub(crate) fn begin(fixture: &Fixture<'_>, command: &str) -> Self {
        Self::begin_with(fixture, command, &[])
    }

    fn begin_with(fixture: &Fixture<'_>, command: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.yaml");
        std::fs::write(&path, fixture.mesh.to_yaml()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
            .args([command, "--yes", "--allow-delete=100000"])
            .args(options)
            .arg("-f")
            .arg(path)
            .arg("--kubeconfig")
            .arg(fixture.bed.kubeconfig())
            .env("FEDMESH_LEASE_DURATION", "3s")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdout,
            _folder: folder,
        }
    }

    /// Waits until some objects are done, then sends a signal.
    pub(crate) fn then(self, signal: &str) -> Self {
        self.under_way().signal(signal)
    }

    fn signal(self, signal: &str) -> Self {
        let pid = self.child.id().to_string();
        // Twice, as timeout(1) does to a process and its group: it is one request all the same.
        let mut kill = Command::new("kill");
        let status = kill.args([signal, &pid, &pid]).status().unwrap();
        assert!(status.success());
        self
    }

    /// Waits until some objects are done.
    pub(crate) fn under_way(mut self) -> Self {
        for _ in 0..DONE {
            let mut line = String::new();
            self.stdout.read_line(&mut line).unwrap();
            assert!(
                line.contains("  created   ") || line.contains("  deleted   "),
                "{line}"
            );
        }
        self
    }

    /// Exit code, the rest of standard output, and standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let mut out = String::new();
        self.stdout.read_to_string(&mut out).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), out, err)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_before_it_changes_anything_leaves_no_lease() {
    let mut fixture = Fixture::new(shared_bed(), "early");
    // Planning takes a while.
    let names: Vec<String> = (0..SERVICES)
        .map(|index| format!("orders-{index}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fixture.mesh = document("early", &names);
    let mut leases = Vec::new();
    for context in [WEST, EAST] {
        let client = client(fixture.bed, context).await;
        leases.push(Api::<Lease>::namespaced(client, "istio-system"));
    }
    let held = async |leases: &Api<Lease>| leases.get_opt("fedmesh-early").await.unwrap().is_some();
    let run = Running::begin(&fixture, "apply");
    while !held(&leases[0]).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (code, out, err) = run.signal("-TERM").end();
    assert_eq!(code, Some(1), "{out}\n{err}");
    assert!(
        err.contains("nothing was changed: stopped on request"),
        "{err}"
    );
    assert_eq!(fixture.ours(WEST), [].into());
    assert!(!held(&leases[0]).await && !held(&leases[1]).await);

    // So does one that waits for another writer.
    let held = fixture.lock().await;
    let run = Running::begin_with(&fixture, "apply", &["--lock-timeout=10m"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (code, _, err) = run.signal("-TERM").end();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("nothing was changed: "), "{err}");
    held.release().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_or_killed_is_gone_on_with() {
    let mut fixture = Fixture::new(shared_bed(), "halfway");
    let names: Vec<String> = (0..SERVICES)
        .map(|index| format!("orders-{index}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fixture.mesh = document("halfway", &names);
    let all = counts(&fixture.plan().await.plan)[&Action::Create];

    // A stopped run completes the requests in progress and lists the remaining objects.
    let (code, out, err) = Running::begin(&fixture, "apply").then("-TERM").end();
    assert_eq!(code, Some(1), "{out}\n{err}");
    assert!(
        err.contains(
            "stopping: requests in progress are completed, and the next run continues from there"
        ),
        "{err}"
    );
    for cluster in ["sunset", "sunrise"] {
        let report = out
            .lines()
            .rfind(|line| line.starts_with(&format!("{cluster}: ")));
        let report = report.unwrap_or_else(|| panic!("{out}"));
        assert!(report.contains(" created"), "{report}");
        assert!(
            report.contains("stopped: on request; not changed: "),
            "{report}"
        );
        assert!(!report.contains(" failed"), "{report}");
    }
    let told: usize = out
        .lines()
        .filter(|line| line.contains("  created   "))
        .count();
    let stopped = counts(&fixture.plan().await.plan);
    assert_eq!(
        stopped[&Action::Unchanged],
        DONE + told,
        "nothing is half done"
    );
    assert_eq!(stopped[&Action::Create], all - DONE - told);

    // Killed at any moment: whatever was made is known.
    let (code, ..) = Running::begin(&fixture, "apply").then("-KILL").end();
    assert_eq!(code, None);
    let killed = counts(&fixture.plan().await.plan);
    assert!(killed[&Action::Unchanged] >= stopped[&Action::Unchanged] + DONE);
    assert!(killed[&Action::Create] > 0, "it was too quick to be killed");
    assert_eq!(killed[&Action::Unchanged] + killed[&Action::Create], all);

    // The one that was killed still holds the Leases, until they expire.
    let (code, _, err) = Running::begin(&fixture, "apply").end();
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("waiting for the Lease in sun"), "{err}");
    assert!(!fixture.plan().await.plan.has_changes());

    // A removal too, by the record that goes last.
    let (code, out, _) = Running::begin(&fixture, "remove").then("-TERM").end();
    assert_eq!(code, Some(1), "{out}");
    assert!(fixture.ours(WEST).contains_key(&fixture.parent()));
    let (code, ..) = Running::begin(&fixture, "remove").then("-KILL").end();
    assert_eq!(code, None);
    let (code, _, err) = Running::begin(&fixture, "remove").end();
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
}
