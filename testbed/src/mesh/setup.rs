//! Turns a node into a mesh: Istio, a gateway with an address, mutual TLS, and all pods ready.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use super::network::address;
use super::node::Node;
use super::{MeshBed, Mtls, POLL_EVERY, READY_WITHIN, manifests};
use crate::BedError;
use crate::kubectl::WAIT_FOR_DEFINITIONS;

/// Prints the progress of a start.
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn say(&self, what: &str) {
        eprintln!("{:5.1} s  {what}", self.0.elapsed().as_secs_f32());
    }
}

/// The setup of a mesh on a node.
pub(super) struct Setup<'a> {
    pub(super) node: &'a Node,
    pub(super) bed: &'a MeshBed,
    pub(super) istioctl: &'a Path,
    pub(super) mtls: Mtls,
    pub(super) clock: &'a Clock,
}

impl Setup<'_> {
    pub(super) fn run(&self, one_at_a_time: &Mutex<()>) -> Result<(), BedError> {
        let istio = self.istio_manifests()?;
        self.wait_for("API server", &["get", "--raw=/readyz"])?;
        self.say("API server is ready");
        let secret = self.bed.name_server.external_dns_secret();
        let base = manifests::base(self.node.number, &self.node.cluster.domain, secret).to_string();
        self.create(&base)?;
        self.create(&self.bed.authority.secret().to_string())?;
        {
            // Creating hundreds of objects twice in parallel is slower than in sequence.
            let _turn = one_at_a_time
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            self.create(&istio)?;
        }
        self.say("Istio is installed");
        let address = address::gateway(self.node.number).to_string();
        self.bed.move_gateway(self.context(), &[&address])?;
        let address = address::east_west_gateway(self.node.number).to_string();
        self.bed
            .move_service(self.context(), manifests::EAST_WEST_GATEWAY, &[&address])?;
        let mode = match self.mtls {
            Mtls::Strict => "STRICT",
            Mtls::Permissive => "PERMISSIVE",
        };
        self.wait_for("definitions", &WAIT_FOR_DEFINITIONS)?;
        self.create(&manifests::peer_authentication(mode).to_string())?;
        self.wait_for(
            "node",
            &[
                "wait",
                "node",
                "--all",
                "--for=condition=Ready",
                "--timeout=60s",
            ],
        )?;
        self.wait_for(
            "deployments",
            &[
                "wait",
                "deployments",
                "--all",
                "--all-namespaces",
                "--for=condition=Available",
                "--timeout=60s",
            ],
        )?;
        self.say("all pods are ready");
        Ok(())
    }

    fn context(&self) -> &str {
        &self.node.entry.context
    }

    fn say(&self, what: &str) {
        self.clock.say(&format!("{}: {what}", self.context()));
    }

    fn create(&self, manifests: &str) -> Result<(), BedError> {
        self.bed
            .kubectl
            .run_with_input(
                self.context(),
                &["create", "--validate=false", "-f", "-"],
                manifests,
            )
            .map(drop)
    }

    /// Retries a command until it succeeds.
    fn wait_for(&self, what: &str, arguments: &[&str]) -> Result<(), BedError> {
        let start = Instant::now();
        loop {
            let Err(error) = self.bed.kubectl.run(self.context(), arguments) else {
                return Ok(());
            };
            if start.elapsed() > READY_WITHIN {
                return Err(BedError::NotReady {
                    daemon: format!("{what} of {}", self.context()),
                    after: READY_WITHIN,
                    log: error.to_string(),
                });
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    fn istio_manifests(&self) -> Result<String, BedError> {
        let file = self
            .bed
            .folder
            .path()
            .join(format!("istio-{}.yaml", self.context()));
        let operator = manifests::istio(&self.node.cluster).to_string();
        std::fs::write(&file, operator).map_err(|source| BedError::File {
            path: file.clone(),
            source,
        })?;
        let output = Command::new(self.istioctl)
            .args(["manifest", "generate", "-f"])
            .arg(&file)
            .output()
            .map_err(|source| BedError::File {
                path: self.istioctl.to_owned(),
                source,
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(BedError::Command {
            command: "istioctl manifest generate".to_owned(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
