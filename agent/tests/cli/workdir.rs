//! A temporary folder with a document, in which the program is run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Cluster names differ from contexts, and service names from host names, so that tests detect mix-ups.
pub(crate) const MESH: &str = "\
apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata:
  name: shop
spec:
  dns:
    suffix: mesh.example.org
    externalDns:
      provider: google
      ownerId: shop
  clusters:
  - name: north
    context: ctx-one
    region: europe-north1
    zone: europe-north1-a
    gateway:
      addresses: [192.0.2.1]
  - name: south
    context: ctx-two
    region: europe-south1
    zone: europe-south1-b
    gateway:
      addresses: [192.0.2.2]
  services:
  - name: orders
    namespace: sales
    port: 8000
    hostname: shop-orders
    failover:
      retry: false
";

pub(crate) struct Workdir {
    pub(crate) folder: TempDir,
}

impl Workdir {
    pub(crate) fn new() -> Self {
        let workdir = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        workdir.write("mesh.yaml", MESH);
        workdir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            // Without the environment of the user who runs the tests.
            .env_clear()
            .env("HOME", self.folder.path())
            .env("TERM", "xterm-256color")
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], exit_code: i32) -> Ran {
        Ran::new(
            arguments,
            &self.command(arguments).output().unwrap(),
            exit_code,
        )
    }

    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8], exit_code: i32) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        Ran::new(arguments, &child.wait_with_output().unwrap(), exit_code)
    }
}

pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn new(arguments: &[&str], output: &Output, exit_code: i32) -> Self {
        let out = String::from_utf8(output.stdout.clone()).unwrap();
        let err = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(
            output.status.code(),
            Some(exit_code),
            "{arguments:?}\n{out}\n{err}"
        );
        assert!(!err.contains("panicked"), "{arguments:?}\n{err}");
        for text in [&out, &err] {
            assert!(
                !text.contains('\u{1b}'),
                "{arguments:?} printed colours to a pipe\n{text}"
            );
        }
        Self { out, err }
    }

    /// Asserts that standard error has an error of the command-line parser with all `parts`.
    #[track_caller]
    pub(crate) fn refuses_usage(&self, parts: &[&str]) {
        assert!(self.err.starts_with("error: "), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in\n{}", self.err);
        }
        assert_eq!(self.out, "");
    }

    /// Asserts that standard error has an error, a hint and all `parts`, and that standard output is empty.
    #[track_caller]
    pub(crate) fn refuses(&self, parts: &[&str]) {
        assert!(
            self.err.contains("error: ") && self.err.contains("hint: "),
            "{}",
            self.err
        );
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in\n{}", self.err);
        }
        assert_eq!(self.out, "");
    }
}

pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(
                    path.strip_prefix(folder)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    files.sort();
    files
}
