//! Trust of a mesh's workloads: another root, and trust domains.

use std::time::Instant;

use serde_json::json;

use super::{Authority, MeshBed, POLL_EVERY, READY_WITHIN, manifests};
use crate::BedError;
use crate::bed::in_parallel;

/// The trust domain of a mesh, and the domains that it also accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustDomain<'a> {
    /// `meshConfig.trustDomain`.
    pub own: &'a str,
    /// `meshConfig.trustDomainAliases`.
    pub aliases: &'a [&'a str],
}

impl TrustDomain<'_> {
    /// The initial trust domain of the bed's meshes.
    pub const USUAL: Self = Self {
        own: "cluster.local",
        aliases: &[],
    };
}

impl MeshBed {
    /// Switches a cluster's istiod to another root, or back to the bed's, and restarts it and the gateways. Other
    /// workloads keep their certificates until they are restarted too.
    ///
    /// # Errors
    /// The context is unknown, or a pod does not become ready.
    pub fn change_root(&self, context: &str, authority: &Authority) -> Result<(), BedError> {
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.kubectl
            .run_with_input(context, &apply, &authority.secret().to_string())?;
        self.start_anew(context, ("istio-system", "istiod"))?;
        // Pods that start earlier would trust the former root.
        let start = Instant::now();
        while !self.is_published(context, authority)? {
            if start.elapsed() > READY_WITHIN {
                return Err(BedError::NotReady {
                    daemon: format!("the root of {context}"),
                    after: READY_WITHIN,
                    log: "istio-ca-root-cert has the former one".to_owned(),
                });
            }
            std::thread::sleep(POLL_EVERY);
        }
        self.start_gateways_anew(context)
    }

    /// Changes the trust domain or the aliases of a cluster's mesh, and restarts istiod and the gateways. Other
    /// workloads keep their certificates until they are restarted too.
    ///
    /// # Errors
    /// The context is unknown, or a pod does not become ready.
    pub fn change_trust_domain(
        &self,
        context: &str,
        domain: TrustDomain<'_>,
    ) -> Result<(), BedError> {
        const IN: [&str; 3] = ["configmap", "istio", "--namespace=istio-system"];
        let template = "--output=go-template={{.data.mesh}}";
        let read = [&["get"], &IN[..], &[template]].concat();
        let settings = self.kubectl.run(context, &read)?;
        // YAML, in which each of the two is one line.
        let mut lines: Vec<String> = settings
            .lines()
            .filter(|line| !line.starts_with("trustDomain"))
            .map(str::to_owned)
            .collect();
        lines.push(format!("trustDomain: {}", json!(domain.own)));
        lines.push(format!("trustDomainAliases: {}", json!(domain.aliases)));
        let patch = json!({"data": {"mesh": lines.join("\n")}}).to_string();
        let write = [&["patch"], &IN[..], &["--type=merge", "--patch", &patch]].concat();
        self.kubectl.run(context, &write)?;
        self.start_anew(context, ("istio-system", "istiod"))?;
        self.start_gateways_anew(context)
    }

    fn start_gateways_anew(&self, context: &str) -> Result<(), BedError> {
        let gateways = ["istio-ingressgateway", manifests::EAST_WEST_GATEWAY];
        in_parallel(&gateways, |gateway| {
            self.start_anew(context, ("istio-system", gateway))
        })
        .map(drop)
    }

    /// Whether pods of every namespace get this root.
    fn is_published(&self, context: &str, authority: &Authority) -> Result<bool, BedError> {
        let template =
            "--output=go-template={{range .items}}{{index .data \"root-cert.pem\"}};{{end}}";
        let those = ["configmaps", "--all-namespaces", "--field-selector"];
        let name = "metadata.name=istio-ca-root-cert";
        let roots = self
            .kubectl
            .run(context, &[&["get"], &those[..], &[name, template]].concat())?;
        let root = authority.certificate();
        let mut roots = roots
            .split(';')
            .map(str::trim)
            .filter(|one| !one.is_empty());
        Ok(roots.all(|one| one == root.trim()))
    }
}
