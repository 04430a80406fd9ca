//! Questions on a terminal, which util-linux' script(1) brings.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::fixture::{EAST, Fixture, WEST, document, shared_bed};

/// The program on a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    _folder: tempfile::TempDir,
}

impl Terminal {
    fn run(fixture: &Fixture<'_>, command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.yaml");
        std::fs::write(&path, fixture.mesh.to_yaml()).unwrap();
        let program = env!("CARGO_BIN_EXE_fedmesh-agent");
        let kubeconfig = fixture.bed.kubeconfig().display();
        let line = format!("'{program}' {command} -f mesh.yaml --kubeconfig '{kubeconfig}'");
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(folder.path())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            keyboard: child.stdin.take().unwrap(),
            screen: child.stdout.take().unwrap(),
            child,
            _folder: folder,
        }
    }

    /// What is on the screen until the next question, with it.
    fn until_asked(&mut self) -> String {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(b"[y/N] ") {
            let read = self.screen.read(&mut byte).unwrap();
            assert_eq!(read, 1, "it ended: {}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
        String::from_utf8(seen).unwrap()
    }

    fn answer(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").unwrap();
    }

    /// The rest, and the exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_during_the_question_is_asked_again() {
    let mut fixture = Fixture::new(shared_bed(), "asked");
    let mut terminal = Terminal::run(&fixture, "apply");
    let seen = terminal.until_asked();
    assert!(
        seen.contains("Apply mesh asked to 2 clusters (sunset: context west-context, "),
        "{seen}"
    );
    terminal.answer("no");
    let (rest, code) = terminal.end();
    assert_eq!(code, Some(1), "{rest}");
    assert_eq!(fixture.ours(WEST), [].into());

    let mut terminal = Terminal::run(&fixture, "apply");
    terminal.until_asked();
    terminal.answer("y");
    let (rest, code) = terminal.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains(" objects, "), "no status line: {rest}");
    assert!(rest.contains("\u{1b}[J"), "none was redrawn: {rest}");
    assert!(rest.contains("Finished"), "{rest}");
    assert!(!fixture.plan().await.plan.has_changes());

    // Somebody changes the cluster while the plan is read.
    fixture.mesh = document("asked", &["orders", "carts"]);
    let mut terminal = Terminal::run(&fixture, "apply");
    let first = terminal.until_asked();
    fixture.kubectl(EAST, &["delete", "virtualservice/orders", "-n=asked"]);
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    terminal.answer("y");
    let second = terminal.until_asked();
    assert!(
        second.contains("The clusters changed since this plan was shown."),
        "{second}"
    );
    let recreated = "namespace asked: carts, orders, in sunrise";
    assert!(!first.contains(recreated), "{first}");
    assert!(second.contains(recreated), "{second}");
    assert_eq!(before, [fixture.ours(WEST), fixture.ours(EAST)]);
    terminal.answer("yes");
    let (rest, code) = terminal.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(!fixture.plan().await.plan.has_changes());

    let mut terminal = Terminal::run(&fixture, "remove");
    let seen = terminal.until_asked();
    assert!(
        seen.contains("Remove mesh asked from 2 clusters "),
        "{seen}"
    );
    terminal.answer("y");
    let (rest, code) = terminal.end();
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(fixture.ours(EAST), [].into());
}
