//! The bed's network: a namespace with a bridge that connects the nodes, in which name servers and tests run. The
//! machine's own namespace gets no link, no route and no rule. Namespaces have no names: they exist as long as a
//! process in them, so that nothing remains when the bed ends, however it ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::BedError;
use crate::process::OwnedProcess;

const BRIDGE: &str = "bridge0";
const APPEARS_WITHIN: Duration = Duration::from_secs(10);

/// Addresses of the bed, all in 10.250.1.0/24, by the number of a cluster (from 1).
pub(super) mod address {
    use std::net::Ipv4Addr;

    /// Of the hub: the zone's name server.
    pub(in crate::mesh) const HUB: Ipv4Addr = Ipv4Addr::new(10, 250, 1, 1);
    /// Of the hub: the name server for all other names, which resolves none.
    pub(in crate::mesh) const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 250, 1, 2);

    pub(in crate::mesh) const fn node(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 250, 1, 10 + number)
    }

    pub(in crate::mesh) const fn gateway(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 250, 1, 20 + number)
    }

    pub(in crate::mesh) const fn east_west_gateway(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 250, 1, 30 + number)
    }
}

/// The namespace with the bridge.
#[derive(Debug)]
pub(super) struct Hub {
    holder: OwnedProcess,
}

impl Hub {
    pub(super) fn start(folder: &Path) -> Result<Self, BedError> {
        let holder = start_in_new_namespace(&["--net", "sleep", "infinity"], &[], folder, "hub")?;
        let hub = Self { holder };
        hub.ip(&["link", "set", "lo", "up"])?;
        hub.ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        for address in [address::HUB, address::RESOLVER] {
            hub.ip(&["addr", "add", &format!("{address}/24"), "dev", BRIDGE])?;
        }
        hub.ip(&["link", "set", BRIDGE, "up"])?;
        Ok(hub)
    }

    pub(super) fn namespace(&self) -> PathBuf {
        namespace_of(&self.holder)
    }

    pub(super) fn process_id(&self) -> u32 {
        self.holder.id()
    }

    /// Connects the network namespace of a node.
    pub(super) fn plug(
        &self,
        number: u8,
        node: &OwnedProcess,
        address: Ipv4Addr,
    ) -> Result<(), BedError> {
        let link = format!("node{number}");
        self.ip(&[
            "link",
            "add",
            &link,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            &node.id().to_string(),
        ])?;
        self.join(&link)?;
        let inside = namespace_of(node);
        let ip = |arguments: &[&str]| run_in(&inside, "ip", arguments);
        ip(&["link", "set", "lo", "up"])?;
        ip(&["addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
        ip(&["link", "set", "eth0", "up"])?;
        ip(&["route", "add", "default", "via", &address::HUB.to_string()])
    }

    /// Adds a link to the bridge.
    pub(super) fn join(&self, link: &str) -> Result<(), BedError> {
        self.ip(&["link", "set", link, "master", BRIDGE, "up"])
    }

    pub(super) fn ip(&self, arguments: &[&str]) -> Result<(), BedError> {
        run_in(&self.namespace(), "ip", arguments)
    }
}

/// Moves the calling thread into a network namespace, with all processes that it starts from then on.
pub(super) fn enter(namespace: &Path) -> Result<(), BedError> {
    let failed = |source| BedError::File {
        path: namespace.to_owned(),
        source,
    };
    let file = File::open(namespace).map_err(failed)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| failed(error.into()))
}

/// Starts `unshare` with these arguments and waits until it has left this
/// process's network namespace.
pub(super) fn start_in_new_namespace(
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
    folder: &Path,
    name: &str,
) -> Result<OwnedProcess, BedError> {
    let log = folder.join(format!("{name}.log"));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BedError::File { path, source }
    };
    let mut process = OwnedProcess::start(Path::new("unshare"), arguments, environment, &log)
        .map_err(failed(&log))?;
    let own = Path::new("/proc/self/ns/net");
    let ours = fs::read_link(own).map_err(failed(own))?;
    let start = Instant::now();
    loop {
        if let Some(status) = process.exit_status().map_err(failed(&log))? {
            return Err(BedError::Ended {
                daemon: format!("unshare for the {name}"),
                status: status.to_string(),
                log: process.output().unwrap_or_default(),
            });
        }
        if fs::read_link(namespace_of(&process)).is_ok_and(|theirs| theirs != ours) {
            return Ok(process);
        }
        if start.elapsed() > APPEARS_WITHIN {
            return Err(BedError::NotReady {
                daemon: format!("unshare for the {name}"),
                after: APPEARS_WITHIN,
                log: process.output().unwrap_or_default(),
            });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The file of a process's network namespace.
pub(super) fn namespace_of(process: &OwnedProcess) -> PathBuf {
    PathBuf::from(format!("/proc/{}/ns/net", process.id()))
}

/// A command that runs in a network namespace.
pub(super) fn command_in(namespace: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut option = OsString::from("--net=");
    option.push(namespace);
    let mut command = Command::new("nsenter");
    command.arg(option).arg(program);
    command
}

fn run_in(namespace: &Path, program: &str, arguments: &[&str]) -> Result<(), BedError> {
    let output = command_in(namespace, program)
        .args(arguments)
        .output()
        .map_err(|source| BedError::File {
            path: PathBuf::from("nsenter"),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(BedError::Command {
        command: format!("{program} {}", arguments.join(" ")),
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
