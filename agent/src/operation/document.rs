//! The document of an apply, checked, and that of a removal.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::Mesh;
use shared::check::Finding;
use shared::gateways::last_known::LastKnown;
use shared::name::Label;
use shared::plan::desired::Desired;
use shared::render::controller_publishes;
use shared::resolved::Resolved;

use super::PlanError;
use crate::addresses::Addresses;
use crate::cluster::Zone;
use crate::public_suffix;

/// An apply: the document, checked with the addresses of its gateways.
pub(super) struct Applying<'a> {
    pub(super) mesh: &'a Mesh,
    pub(super) resolved: Arc<Resolved>,
    pub(super) desired: Arc<Desired>,
    pub(super) zone: Arc<Zone>,
    /// The addresses to record.
    pub(super) last_known: LastKnown,
    pub(super) findings: Vec<Finding>,
    /// The clusters whose last known addresses can be withdrawn.
    pub(super) withdrawable: BTreeSet<String>,
}

impl<'a> Applying<'a> {
    /// Checks the document.
    pub(super) fn new(mesh: &'a Mesh, addresses: Addresses) -> Result<Self, PlanError> {
        let checked = shared::check(mesh, &addresses.facts);
        let Some(resolved) = checked.resolved else {
            return Err(PlanError::Findings(checked.findings));
        };
        let mut findings = checked.findings;
        public_suffix::check(mesh, &mut findings);
        // The federation controller looks up addresses itself.
        let mut withdrawable = BTreeSet::new();
        if !controller_publishes(&resolved) {
            addresses.explain(mesh, &mut findings);
            withdrawable = addresses.withdrawable(mesh);
        }
        let resolved = Arc::new(resolved);
        let clusters = resolved.clusters.iter();
        let zone = Zone {
            suffix: resolved.dns.suffix.to_string(),
            nameservers: resolved.dns.nameservers.clone(),
            flavours: clusters.map(|one| one.dns_flavour).collect(),
        };
        Ok(Self {
            mesh,
            desired: Arc::new(Desired::new(Arc::clone(&resolved))),
            resolved,
            zone: Arc::new(zone),
            last_known: addresses.last_known,
            findings,
            withdrawable,
        })
    }
}

/// A removal, which only needs the name of the mesh.
pub(super) struct Removing {
    pub(super) name: Label,
    pub(super) nothing: Arc<Desired>,
}

impl Removing {
    pub(super) fn new(mesh: &Mesh) -> Result<Self, PlanError> {
        // The name becomes part of a URL path.
        let name = Label::new(&mesh.metadata.name).map_err(|_| PlanError::NoName)?;
        let nothing = Arc::new(Desired::nothing(name.as_str()));
        Ok(Self { name, nothing })
    }
}
