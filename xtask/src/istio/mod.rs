//! `cargo xtask istio`: the table of pass-through fields, compared with the schemas of Istio's own kinds.

mod schema;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use testbed::tools::{ISTIO_CRDS, ISTIO_VERSION};

use crate::workspace;
use schema::Crds;
use table::{Table, Version};

/// The table, in the checkout.
const TABLE: &str = "shared/src/passthrough/istio.json";
/// Istio's API as a Go module, and the CRDs in it.
const MODULE: &str = "istio.io/api";
const CRDS: &str = "kubernetes/customresourcedefinitions.gen.yaml";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if the table differs from Istio's schema
    #[arg(long)]
    check: bool,
    /// A version of the Go module istio.io/api, such as v1.31.0 [default: the Istio of the test bed]
    version: Option<String>,
}

/// Compares the table with Istio's schema, and adds what it lacks.
pub(crate) fn run_command(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    let (version, path) = match &arguments.version {
        Some(version) => (
            version.trim_start_matches('v').to_owned(),
            fetch(version)?.join(CRDS),
        ),
        None => (ISTIO_VERSION.to_owned(), ISTIO_CRDS.ensure()?),
    };
    compare(&root, &version, &path, arguments.check)
}

/// Fails if the table differs from the schema of the test bed's Istio.
pub(crate) fn check(root: &Path) -> Result<()> {
    compare(root, ISTIO_VERSION, &ISTIO_CRDS.ensure()?, true)
}

fn compare(root: &Path, version: &str, crds: &Path, is_check: bool) -> Result<()> {
    let version: Version = version.parse()?;
    let text =
        std::fs::read_to_string(crds).with_context(|| format!("cannot read {}", crds.display()))?;
    let crds = Crds::parse(&text)?;
    let path = root.join(TABLE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut table = Table::parse(&text)?;
    let differences = table.update(version, &crds)?;
    for line in &differences.added {
        println!("{line}");
    }
    for line in &differences.to_decide {
        eprintln!("error: {line}");
    }
    if is_check && !differences.added.is_empty() {
        bail!(
            "{TABLE} lacks what Istio {version} has\nhint: run `cargo xtask istio`, and read what it adds"
        );
    }
    if !differences.to_decide.is_empty() {
        bail!(
            "{TABLE} contradicts the schema of Istio {version}\nhint: change the lines named above"
        );
    }
    if differences.added.is_empty() {
        println!("{TABLE} agrees with the schema of Istio {version}");
        return Ok(());
    }
    std::fs::write(&path, table.to_string())
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "added to {TABLE}; a field that a document should not set belongs into `omitted`, with the reason"
    );
    Ok(())
}

/// The output of `go mod download -json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    dir: Option<PathBuf>,
    error: Option<String>,
}

/// The folder of a version of Istio's API, verified by Go.
fn fetch(version: &str) -> Result<PathBuf> {
    let nowhere = tempfile::tempdir().context("cannot make a folder")?;
    let output = Command::new("go")
        .args(["mod", "download", "-json"])
        .arg(format!("{MODULE}@{version}"))
        .current_dir(nowhere.path())
        .env("GOWORK", "off")
        .output()
        .context("cannot run `go`\nhint: install Go 1.26 or later")?;
    let download: Download = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "`go mod download` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    download.dir.with_context(|| {
        format!(
            "cannot fetch {MODULE}@{version}: {}",
            download.error.unwrap_or_default()
        )
    })
}
