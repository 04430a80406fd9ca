//! Whom the workloads of a mesh trust: another root, and trust domains.

use std::time::Instant;

use serde_json::json;

use super::{Authority, MeshBed, POLL_EVERY, READY_WITHIN, manifests};
use crate::BedError;
use crate::bed::in_parallel;

/// In whose names a mesh signs, and whom it takes besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustDomain<'a> {
    /// `meshConfig.trustDomain`.
    pub own: &'a str,
    /// `meshConfig.trustDomainAliases`.
    pub aliases: &'a [&'a str],
}

impl TrustDomain<'_> {
    /// What a mesh of the bed has at first.
    pub const USUAL: Self = Self {
        own: "cluster.local",
        aliases: &[],
    };
}

impl MeshBed {
    /// Has a cluster's istiod sign by another root, or by the bed's again, and starts it and the gateways
    /// anew. Other workloads have their certificates until they are started anew, too.
    ///
    /// # Errors
    /// There is no such context, or something does not get ready.
    pub fn change_root(&self, context: &str, authority: &Authority) -> Result<(), BedError> {
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.kubectl
            .run_with_input(context, &apply, &authority.secret().to_string())?;
        self.start_anew(context, ("istio-system", "istiod"))?;
        // What starts before it is told trusts the former root.
        let start = Instant::now();
        while !self.is_told(context, authority)? {
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

    /// Gives a cluster's mesh another trust domain, or other aliases, and starts istiod and the gateways anew.
    /// Other workloads have their certificates until they are started anew, too.
    ///
    /// # Errors
    /// There is no such context, or something does not get ready.
    pub fn change_trust_domain(
        &self,
        context: &str,
        domain: TrustDomain<'_>,
    ) -> Result<(), BedError> {
        const IN: [&str; 3] = ["configmap", "istio", "--namespace=istio-system"];
        let template = "--output=go-template={{.data.mesh}}";
        let read = [&["get"], &IN[..], &[template]].concat();
        let settings = self.kubectl.run(context, &read)?;
        // YAML, in which each of the two is a line.
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
    fn is_told(&self, context: &str, authority: &Authority) -> Result<bool, BedError> {
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
