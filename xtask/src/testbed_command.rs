//! `cargo xtask testbed up|down|status`: a bed for use by hand.
//!
//! The bed's owner is a process of its own that does nothing but hold it. Its end,
//! by whatever cause, is the bed's end, so `down` has one process to end and, after
//! a crash or a reboot, only files to remove.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use testbed::process::ProcessIdentity;
use testbed::{Options, Testbed, cache};

use crate::requirement::{Requirement, State};
use crate::workspace;

/// Starting takes seconds; on a very busy machine, more of them.
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
    Up {
        /// How many
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
        clusters: u8,
    },
    /// End them, and remove what they left, also after a crash
    Down,
    /// Say whether they run, and where the kubeconfig is
    Status,
    /// Be the process that holds the bed
    #[command(hide = true)]
    Hold { clusters: u8 },
}

/// What is remembered of a bed that is up.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    owner: ProcessIdentity,
    daemons: Vec<ProcessIdentity>,
    folder: PathBuf,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    contexts: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.action {
        Action::Up { clusters } => up(clusters),
        Action::Down => down(),
        Action::Status => status(),
        Action::Hold { clusters } => hold(clusters),
    }
}

fn up(clusters: u8) -> Result<()> {
    let _lock = cache::Lock::take(&cache::tools()?, "the test bed")?;
    if let Some(record) = Record::read()? {
        if record.owner.is_running()? {
            bail!(
                "a test bed is up already: {}\nhint: `cargo xtask testbed down` ends it",
                record.kubeconfig.display()
            );
        }
        record.remove()?;
    }
    let root = workspace::root()?;
    match Requirement::GoTools.state(&root)? {
        State::Met => {}
        State::Installable(_) => Requirement::GoTools.install(&root)?,
        State::Lacking { why, remedy } => bail!("{why}\nhint: {remedy}"),
    }
    let log_path = cache::root()?.join("testbed.log");
    let log =
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut owner = Command::new(std::env::current_exe().context("which program is this?")?)
        .args(["testbed", "hold", &clusters.to_string()])
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("the log")?)
        .stderr(log)
        .spawn()
        .context("cannot start the bed's owner")?;
    let start = Instant::now();
    let record = loop {
        if let Some(status) = owner.try_wait().context("the bed's owner")? {
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
                "the test bed is not up after {} s; see {}",
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
            "a test bed was up and ended by itself\n\
             hint: `cargo xtask testbed down` removes what it left"
        ),
        None => println!("no test bed is up\nhint: `cargo xtask testbed up` starts one"),
    }
    Ok(())
}

fn down() -> Result<()> {
    let _lock = cache::Lock::take(&cache::tools()?, "the test bed")?;
    let Some(record) = Record::read()? else {
        println!("no test bed is up");
        return Ok(());
    };
    record.remove()?;
    println!("the test bed is gone");
    Ok(())
}

fn hold(clusters: u8) -> Result<()> {
    // Not to end with the terminal that it was started from.
    rustix::process::setsid().context("cannot leave the terminal")?;
    let bed = Testbed::start(Options::with_clusters(clusters.into()))?;
    let identity = |pid| {
        ProcessIdentity::of(pid)
            .context("cannot look at a process")?
            .with_context(|| format!("process {pid} has ended"))
    };
    let record = Record {
        owner: identity(std::process::id())?,
        daemons: bed
            .process_ids()
            .into_iter()
            .map(identity)
            .collect::<Result<_>>()?,
        folder: bed.folder().to_owned(),
        kubeconfig: bed.kubeconfig().to_owned(),
        kubectl: bed.kubectl_path().to_owned(),
        contexts: bed.contexts().map(str::to_owned).collect(),
    };
    record.write()?;
    loop {
        std::thread::park();
    }
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
        let text = serde_json::to_vec_pretty(self).context("the record of the bed")?;
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(&unfinished, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Ends the bed when it runs, and removes all it left.
    fn remove(&self) -> Result<()> {
        self.owner
            .end(false)
            .context("cannot end the bed's owner")?;
        if !wait_for_end(std::slice::from_ref(&self.owner))? {
            self.owner.end(true).context("cannot end the bed's owner")?;
        }
        // They end with their owner; only if something went wrong with that is
        // anything left to do here.
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
        println!("to use it in this shell:");
        println!("  export KUBECONFIG={}", self.kubeconfig.display());
        println!(
            "  {} --context cluster1 get namespaces",
            self.kubectl.display()
        );
        println!("to end it:");
        println!("  cargo xtask testbed down");
    }
}

/// Whether all have ended in time.
fn wait_for_end(processes: &[ProcessIdentity]) -> Result<bool> {
    let start = Instant::now();
    loop {
        let mut running = false;
        for process in processes {
            running |= process.is_running().context("cannot look at a process")?;
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

/// The bed's folder removes itself; after a reboot nobody is left to do it, and
/// while that is at work, files may go under our hands.
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
