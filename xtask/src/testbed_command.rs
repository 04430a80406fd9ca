//! `cargo xtask testbed up|down|status|shell`: a test bed for manual tests.
//!
//! A separate process owns the bed. The bed ends with this process for any reason, so `down` ends one process, and only
//! removes files after a crash or a reboot.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use testbed::images::ImageNames;
use testbed::process::ProcessIdentity;
use testbed::{MeshBed, MeshCluster, MeshOptions, Mtls, Options, Testbed, cache};

use crate::requirement::{Requirement, State};
use crate::workspace;

/// Timeout of the start, which takes seconds, or more on a busy machine.
const UP_WITHIN: Duration = Duration::from_mins(3);
const DOWN_WITHIN: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start API servers, with the contexts cluster1, cluster2 and so on
    Up(Size),
    /// Run a shell or a command in the network of a test bed with pods
    Shell {
        /// Command to run [default: $SHELL]
        #[arg(trailing_var_arg = true)]
        command: Vec<OsString>,
    },
    /// Stop the API servers and remove their files, also after a crash
    Down,
    /// Show whether the API servers run, and the path of the kubeconfig
    Status,
    /// Run the process that owns the test bed
    #[command(hide = true)]
    Hold(Size),
}

#[derive(Args, Clone, Copy)]
struct Size {
    /// Number of clusters
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    clusters: u8,
    /// Add nodes, pods, Istio and a DNS zone; requires root, 1 GB of memory per cluster, and at most nine clusters
    #[arg(long)]
    full: bool,
}

/// The saved state of a running bed.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    owner: ProcessIdentity,
    daemons: Vec<ProcessIdentity>,
    folder: PathBuf,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    contexts: Vec<String>,
    /// The network namespace of a bed with pods, and a Mesh document for it.
    mesh: Option<MeshRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MeshRecord {
    network: PathBuf,
    document: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::Up(size) => up(*size),
        Action::Down => down(),
        Action::Status => status(),
        Action::Shell { command } => shell(command),
        Action::Hold(size) => hold(*size),
    }
}

fn up(size: Size) -> Result<()> {
    let _lock = cache::Lock::take(&cache::tools()?, "the test bed")?;
    if let Some(record) = Record::read()? {
        if record.owner.is_running()? {
            bail!(
                "a test bed is already running: {}\nhint: stop it with `cargo xtask testbed down`",
                record.kubeconfig.display()
            );
        }
        record.remove()?;
    }
    let root = workspace::root()?;
    let needs: &[Requirement] = if size.full {
        &[Requirement::GoTools, Requirement::Pods]
    } else {
        &[Requirement::GoTools]
    };
    for need in needs {
        match need.state(&root)? {
            State::Met => {}
            State::Installable(what) => {
                eprintln!("will install: {what}");
                need.install(&root)?;
            }
            State::Lacking { why, remedy } => bail!("{why}\nhint: {remedy}"),
        }
    }
    let log_path = cache::root()?.join("testbed.log");
    let log =
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut owner =
        Command::new(std::env::current_exe().context("cannot find this program's file")?)
            .args(["testbed", "hold", "--clusters", &size.clusters.to_string()])
            .args(size.full.then_some("--full"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot open the log")?)
            .stderr(log)
            .spawn()
            .context("cannot start the bed's owner")?;
    let start = Instant::now();
    let record = loop {
        if let Some(status) = owner.try_wait().context("cannot observe the bed's owner")? {
            let text = fs::read_to_string(&log_path).unwrap_or_default();
            bail!(
                "the test bed did not start ({status}):\n{}",
                text.trim_end()
            );
        }
        if let Some(record) = Record::read()? {
            break record;
        }
        if start.elapsed() > UP_WITHIN {
            owner.kill().context("cannot end the bed's owner")?;
            owner.wait().context("cannot end the bed's owner")?;
            bail!(
                "the test bed did not start within {} s; see {}",
                UP_WITHIN.as_secs(),
                log_path.display()
            );
        }
        std::thread::sleep(POLL_EVERY);
    };
    eprintln!("up after {:.1} s", start.elapsed().as_secs_f32());
    record.print();
    Ok(())
}

fn status() -> Result<()> {
    match Record::read()? {
        Some(record) if record.owner.is_running()? => record.print(),
        Some(_) => println!(
            "the test bed stopped unexpectedly\n\
            hint: remove its files with `cargo xtask testbed down`"
        ),
        None => println!("no test bed is running\nhint: start one with `cargo xtask testbed up`"),
    }
    Ok(())
}

fn down() -> Result<()> {
    let _lock = cache::Lock::take(&cache::tools()?, "the test bed")?;
    let Some(record) = Record::read()? else {
        println!("no test bed is running");
        return Ok(());
    };
    record.remove()?;
    println!("the test bed is stopped");
    Ok(())
}

fn hold(size: Size) -> Result<()> {
    // The process must not end with the terminal that started it.
    rustix::process::setsid().context("cannot detach from the terminal")?;
    if size.full {
        let bed = MeshBed::start(&mesh_options(size.clusters)?)?;
        let document = bed.folder().join("mesh.yaml");
        fs::write(&document, bed.example_document())
            .with_context(|| format!("cannot write {}", document.display()))?;
        Record {
            owner: identity(std::process::id())?,
            daemons: identities(bed.process_ids())?,
            folder: bed.folder().to_owned(),
            kubeconfig: bed.kubeconfig().to_owned(),
            kubectl: bed.kubectl().program().to_owned(),
            contexts: bed.contexts().map(str::to_owned).collect(),
            mesh: Some(MeshRecord {
                network: bed.network(),
                document,
            }),
        }
        .write()?;
        park()
    } else {
        let bed = Testbed::start(Options::with_clusters(size.clusters.into()))?;
        Record {
            owner: identity(std::process::id())?,
            daemons: identities(bed.process_ids())?,
            folder: bed.folder().to_owned(),
            kubeconfig: bed.kubeconfig().to_owned(),
            kubectl: bed.kubectl_path().to_owned(),
            contexts: bed.contexts().map(str::to_owned).collect(),
            mesh: None,
        }
        .write()?;
        park()
    }
}

/// The bed lives as long as this process.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

fn identity(pid: u32) -> Result<ProcessIdentity> {
    ProcessIdentity::of(pid)
        .context("cannot observe a process")?
        .with_context(|| format!("process {pid} has ended"))
}

fn identities(pids: Vec<u32>) -> Result<Vec<ProcessIdentity>> {
    pids.into_iter().map(identity).collect()
}

/// Options for clusters in two zones of one region, and from the third on, in another region.
fn mesh_options(clusters: u8) -> Result<MeshOptions> {
    const PLACES: [(&str, &str); 3] = [
        ("us-west2", "us-west2-a"),
        ("us-west2", "us-west2-b"),
        ("us-east4", "us-east4-a"),
    ];
    if clusters > 9 {
        bail!("a bed with pods has at most nine clusters");
    }
    let clusters = (1..=clusters).map(|number| {
        let (region, zone) = PLACES[usize::from(number - 1) % PLACES.len()];
        MeshCluster {
            context: format!("cluster{number}"),
            region: region.to_owned(),
            zone: zone.to_owned(),
            domain: MeshCluster::DEFAULT_DOMAIN.to_owned(),
        }
    });
    Ok(MeshOptions {
        clusters: clusters.collect(),
        zone: "my.dns.zone.name".to_owned(),
        mtls: Mtls::Strict,
        images: image_names(),
    })
}

/// The images in fedmesh's manifests; a test compares them with those of `shared`. They are repeated here, because
/// every `cargo xtask` would otherwise compile `shared` with other features than the tests.
pub(crate) fn image_names() -> ImageNames {
    let bookinfo = [
        "productpage-v1",
        "details-v1",
        "ratings-v1",
        "reviews-v1",
        "reviews-v2",
        "reviews-v3",
    ];
    ImageNames {
        httpbin: "docker.io/mccutchen/go-httpbin:v2.15.0".to_owned(),
        sleep: "docker.io/curlimages/curl:8.16.0".to_owned(),
        bookinfo: bookinfo
            .map(|program| {
                let image = format!("docker.io/istio/examples-bookinfo-{program}:1.20.3");
                (image, program.to_owned())
            })
            .into(),
        external_dns: "registry.k8s.io/external-dns/external-dns:v0.19.0".to_owned(),
    }
}

/// Runs a command in the network of the bed with its kubeconfig.
fn shell(command: &[OsString]) -> Result<()> {
    let record = Record::read()?
        .context("no test bed is running\nhint: start one with `cargo xtask testbed up --full`")?;
    let mesh = record.mesh.as_ref().context(
        "the test bed has no network of its own: its API servers are on loopback\n\
         hint: start one with pods with `cargo xtask testbed up --full`",
    )?;
    let default = [std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let command = if command.is_empty() {
        &default[..]
    } else {
        command
    };
    let mut network = OsString::from("--net=");
    network.push(&mesh.network);
    let error = Command::new("nsenter")
        .arg(network)
        .args(command)
        .env("KUBECONFIG", &record.kubeconfig)
        .env("FEDMESH_TESTBED_DOCUMENT", &mesh.document)
        .exec();
    Err(error).context("cannot run nsenter")
}

impl Record {
    fn path() -> Result<PathBuf> {
        Ok(cache::root()?.join("testbed.json"))
    }

    fn read() -> Result<Option<Self>> {
        let path = Self::path()?;
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} is damaged\nhint: remove it", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn write(&self) -> Result<()> {
        let path = Self::path()?;
        let unfinished = path.with_extension("unfinished");
        let text = serde_json::to_vec_pretty(self).context("cannot encode the state of the bed")?;
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(&unfinished, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Stops the bed if it runs, and removes its files.
    fn remove(&self) -> Result<()> {
        self.owner
            .end(false)
            .context("cannot end the bed's owner")?;
        if !wait_for_end(std::slice::from_ref(&self.owner))? {
            self.owner.end(true).context("cannot end the bed's owner")?;
        }
        // The daemons end with their owner, unless an error prevented that.
        if !wait_for_end(&self.daemons)? {
            for daemon in &self.daemons {
                daemon
                    .end(true)
                    .with_context(|| format!("cannot end process {}", daemon.pid))?;
            }
        }
        remove_folder(&self.folder)?;
        let path = Self::path()?;
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    fn print(&self) {
        println!("kubeconfig: {}", self.kubeconfig.display());
        println!("contexts:   {}", self.contexts.join(", "));
        println!("kubectl:    {}", self.kubectl.display());
        println!();
        if let Some(mesh) = &self.mesh {
            println!("document:   {}", mesh.document.display());
            println!();
            println!("to use it, start a shell in its network, with KUBECONFIG set:");
            println!("  cargo xtask testbed shell");
        } else {
            println!("to use it in this shell:");
            println!("  export KUBECONFIG={}", self.kubeconfig.display());
        }
        println!(
            "  {} --context cluster1 get namespaces",
            self.kubectl.display()
        );
        println!("to stop it:");
        println!("  cargo xtask testbed down");
    }
}

/// Waits for the end of processes; returns whether all ended in time.
fn wait_for_end(processes: &[ProcessIdentity]) -> Result<bool> {
    let start = Instant::now();
    loop {
        let mut running = false;
        for process in processes {
            running |= process.is_running().context("cannot observe a process")?;
        }
        if !running {
            return Ok(true);
        }
        if start.elapsed() > DOWN_WITHIN {
            return Ok(false);
        }
        std::thread::sleep(POLL_EVERY);
    }
}

/// Removes the folder of the bed, which the owner does not do after a reboot. The owner may remove files at the same
/// time.
fn remove_folder(folder: &Path) -> Result<()> {
    let start = Instant::now();
    while folder.exists() {
        if let Err(error) = fs::remove_dir_all(folder)
            && start.elapsed() > DOWN_WITHIN
        {
            return Err(error).with_context(|| format!("cannot remove {}", folder.display()));
        }
        std::thread::sleep(POLL_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::defaults::{EXTERNAL_DNS_IMAGE, HTTPBIN_IMAGE, SLEEP_IMAGE};
    use shared::mesh::BookinfoProgram;

    use super::*;

    #[test]
    fn images_have_the_names_in_manifests() {
        let bookinfo = BookinfoProgram::ALL;
        let expected = ImageNames {
            httpbin: HTTPBIN_IMAGE.to_owned(),
            sleep: SLEEP_IMAGE.to_owned(),
            bookinfo: bookinfo
                .map(|program| (program.image(), program.as_str().to_owned()))
                .into(),
            external_dns: EXTERNAL_DNS_IMAGE.to_owned(),
        };
        assert_eq!(image_names(), expected);
    }
}
