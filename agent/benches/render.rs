//! How fast the manifests of a large mesh are written, and with how much memory, beside `kubectl
//! kustomize` on the manifests of one of its clusters, in one run.
//!
//! `cargo bench -p fedmesh-agent --features testbed --bench render [-- --clusters N --services N]`

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on says so by panicking"
)]

#[path = "support/document.rs"]
mod document;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use document::mesh;
use testbed::tools::KUBECTL;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, usual: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(usual, |at| arguments[at + 1].parse().unwrap())
    };
    let (clusters, services) = (number("--clusters", 100), number("--services", 1_000));
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("mesh.yaml");

    let mut rates = Vec::new();
    for clusters in [clusters / 10, clusters] {
        fs::write(&document, mesh(clusters, services)).unwrap();
        for output in ["bundle", "bundle.zip"] {
            let target = folder.path().join(output);
            _ = fs::remove_dir_all(&target);
            let mut command = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"));
            command.arg("render").arg("-f").arg(&document);
            let run = measure(command.arg("--to").arg(&target));
            let objects: usize = run
                .said
                .split_whitespace()
                .rev()
                .nth(4)
                .unwrap()
                .parse()
                .unwrap();
            let rate = run.report(&format!("{clusters} × {services} to {output}"), objects);
            rates.push(rate);
        }
    }

    // The last folder that was written is that of all clusters.
    let cluster = folder.path().join("bundle/cluster-1");
    let files = files(&cluster);
    let objects: usize = files
        .iter()
        .map(|file| fs::read_to_string(cluster.join(file)).unwrap())
        .map(|text| text.split("---\n").count())
        .sum();
    let resources: String = files.iter().map(|file| format!("- {file}\n")).collect();
    fs::write(
        cluster.join("kustomization.yaml"),
        format!("resources:\n{resources}"),
    )
    .unwrap();
    let mut kustomize = Command::new(KUBECTL.ensure().unwrap());
    let run = measure(kustomize.arg("kustomize").arg(&cluster));
    let theirs = run.report("kubectl kustomize, one cluster", objects);
    println!(
        "to a folder, times as fast an object as kubectl kustomize: {:.0}",
        rates[2] / theirs
    );
    println!("to a zip archive: {:.0}", rates[3] / theirs);
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What a program needed.
struct Run {
    took: Duration,
    /// The most that was resident, in megabytes.
    peak: f64,
    /// Its last line on standard error.
    said: String,
}

impl Run {
    /// Prints a row and gives the objects a second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are not that many objects"
    )]
    fn report(&self, what: &str, objects: usize) -> f64 {
        let seconds = self.took.as_secs_f64();
        let rate = objects as f64 / seconds;
        println!(
            "{what}: {objects} objects in {seconds:.2} s, {rate:.0} a second, {:.0} MB at the peak",
            self.peak
        );
        rate
    }
}

/// Runs a program whose output is not looked at.
fn measure(command: &mut Command) -> Run {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let took = loop {
        // The high-water mark, so that looking now and then is enough.
        if let Ok(text) = fs::read_to_string(&status)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            peak = kilobytes / 1024.0;
        }
        if child.try_wait().unwrap().is_some() {
            break start.elapsed();
        }
        thread::sleep(Duration::from_millis(5));
    };
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let said = said.lines().last().unwrap_or_default().to_owned();
    Run { took, peak, said }
}
