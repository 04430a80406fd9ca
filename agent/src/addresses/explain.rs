//! Findings about addresses that cannot be looked up, or that are not published.

use std::collections::BTreeSet;
use std::fmt::Display;

use shared::Mesh;
use shared::check::{Finding, Severity, code};
use shared::gateways::last_known::{self, Publication, PublishedGateway, Reason, Timestamp};

use super::Addresses;
use crate::host_names;
use shared::text::shell;

impl Addresses {
    /// Adds the source of addresses to the findings of a check. Its findings about missing addresses are replaced where
    /// the reason is known here.
    pub(crate) fn explain(&self, mesh: &Mesh, findings: &mut Vec<Finding>) {
        for gateway in &self.gateways.0 {
            let clusters = &mesh.spec.clusters;
            let named = clusters.iter().position(|one| one.name == gateway.cluster);
            if let Some(index) = named {
                of_gateway(gateway, &gateway.kind.path(index), findings);
            }
        }
        host_names::explain(mesh, &self.facts, &self.host_names, findings);
        for (kind, cluster) in host_names::gateways(mesh) {
            for host in host_names::of_gateway(mesh, &self.facts, kind, cluster) {
                let name = &mesh.spec.clusters[cluster].name;
                findings.extend(self.of_host_name(&host, name, kind.path(cluster)));
            }
        }
        for (index, cluster) in mesh.spec.clusters.iter().enumerate() {
            if self.had_none.contains(&cluster.name) {
                findings.push(finding(
                    code::NOTHING_TO_FORGET,
                    format!("spec.clusters[{index}]"),
                    format!(
                        "{} has no published last known address",
                        cluster.name
                    ),
                    "use a cluster that has a finding FM0807: addresses that can be looked up are not withdrawn"
                        .to_owned(),
                ));
            }
        }
    }

    /// The clusters whose last known addresses are published, so that a user can withdraw them.
    pub(crate) fn withdrawable(&self, mesh: &Mesh) -> BTreeSet<String> {
        let gateways = self.gateways.0.iter().filter_map(|gateway| {
            let Publication::LastKnown { known, .. } = &gateway.publication else {
                return None;
            };
            (!known.addresses.is_empty()).then(|| gateway.cluster.clone())
        });
        let is_last_known = |host: &String| {
            matches!(self.host_names.0.get(host),
                Some(last_known::HostName::LastKnown { known, .. }) if !known.addresses.is_empty())
        };
        let of_host_names = host_names::gateways(mesh).filter(|(kind, cluster)| {
            let mut hosts = host_names::of_gateway(mesh, &self.facts, *kind, *cluster).into_iter();
            hosts.any(|host| is_last_known(&host))
        });
        let of_host_names =
            of_host_names.map(|(_, cluster)| mesh.spec.clusters[cluster].name.clone());
        gateways.chain(of_host_names).collect()
    }

    fn of_host_name(&self, host: &str, cluster: &str, path: String) -> Option<Finding> {
        let Some(last_known::HostName::LastKnown { known, why }) = self.host_names.0.get(host)
        else {
            return None;
        };
        (!known.addresses.is_empty()).then(|| {
            finding(
                code::LAST_KNOWN,
                path,
                format!(
                    "{host} of {cluster} does not resolve on this machine, so {} ({}): {why}",
                    stay_published(&known.addresses),
                    last_known(known.seen.as_ref())
                ),
                format!("check the host name's DNS, or {}", withdraw(cluster, "")),
            )
        })
    }
}

fn of_gateway(gateway: &PublishedGateway, path: &str, findings: &mut Vec<Finding>) {
    let (name, what) = (&gateway.cluster, gateway.kind.as_str());
    match &gateway.publication {
        Publication::Given | Publication::Observed(_) => {}
        Publication::NotReady { published, .. } => {
            drop_missing(path, findings);
            findings.push(not_ready(name, what, path, *published));
        }
        Publication::LastKnown { known, reason } => {
            let since = last_known(known.seen.as_ref());
            let (message, hint) = match reason {
                Reason::Unreachable(why) if known.addresses.is_empty() => {
                    drop_missing(path, findings);
                    let message = format!(
                        "{name}'s {what} cannot be looked up and had no address ({since}), so its names \
                         fall back to other clusters: {why}"
                    );
                    (
                        message,
                        format!("restore access to {name}, then apply again"),
                    )
                }
                Reason::Unreachable(why) => (
                    format!(
                        "{name}'s {what} cannot be looked up, so {} ({since}): {why}",
                        stay_published(&known.addresses)
                    ),
                    format!(
                        "restore access to {name}, or {}",
                        withdraw(name, "--partial ")
                    ),
                ),
                Reason::AllLost => (
                    format!(
                        "no {what} has an address and a ready pod, so {name} keeps {} ({since})",
                        list(&known.addresses)
                    ),
                    format!("check the gateways' Services, or {}", withdraw(name, "")),
                ),
            };
            findings.push(finding(code::LAST_KNOWN, path.to_owned(), message, hint));
        }
        Publication::Unknown(why) => {
            let mut all = findings.iter_mut();
            let unknown = all.find(|one| one.code == code::UNKNOWN_ADDRESS.id && one.path == path);
            if let Some(unknown) = unknown {
                unknown.message = format!(
                    "{name}'s {what} cannot be looked up and has no last known address, so its names \
                     have no address yet: {why}"
                );
                unknown.hint =
                    format!("restore access to {name} and plan again, or set the address");
            }
        }
    }
}

/// Removes the finding that the gateway has no address: a finding with the reason replaces it.
fn drop_missing(path: &str, findings: &mut Vec<Finding>) {
    findings.retain(|one| one.code != code::NO_ADDRESS.id || one.path != path);
}

fn not_ready(name: &str, what: &str, path: &str, published: bool) -> Finding {
    let message = if published {
        format!(
            "{name}'s {what} has no ready pod, and no other has one either, so its address stays published"
        )
    } else {
        format!(
            "{name}'s {what} has no ready pod, so its address is not published and its names fall back to \
             other clusters"
        )
    };
    finding(
        code::GATEWAY_NOT_READY,
        path.to_owned(),
        message,
        "check why its pods are not ready; the next apply publishes it again, and `fedmesh-agent follow` does \
         so at once"
            .to_owned(),
    )
}

/// When addresses were last seen, as text.
pub(crate) fn last_known(seen: Option<&Timestamp>) -> String {
    match seen {
        Some(seen) => format!("last known, since {seen}"),
        None => "last known, from the live records".to_owned(),
    }
}

fn stay_published<A: Display>(addresses: &[A]) -> String {
    let verb = if addresses.len() == 1 {
        "stays"
    } else {
        "stay"
    };
    format!("{} {verb} published", list(addresses))
}

fn list<A: Display>(addresses: &[A]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn withdraw(cluster: &str, options: &str) -> String {
    format!(
        "withdraw its address with `fedmesh-agent apply {options}--forget-address {}`",
        shell::word(cluster)
    )
}

fn finding(code: code::Code, path: String, message: String, hint: String) -> Finding {
    Finding {
        code: code.id.to_owned(),
        severity: Severity::Warning,
        path,
        message,
        hint,
        fix: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;

    use shared::Mesh;
    use shared::gateways::kind::GatewayKind;
    use shared::gateways::last_known::{
        HostNames, Known, LastKnown, Observation, ObservedGateway, Timestamp, publish,
    };

    use super::Addresses;

    fn mesh() -> Mesh {
        Mesh::read(
            "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns: \
             {suffix: example.net, resolveHostNames: true}\n  clusters:\n  - {name: west, region: r, zone: \
             z1}\n  - {name: east, region: r, zone: z2}\n  services:\n  - {name: web, port: 80}\n",
        )
        .unwrap()
    }

    fn found(addresses: &[&str], is_ready: Option<bool>) -> Observation {
        Observation::Found {
            addresses: addresses.iter().map(|&text| text.to_owned()).collect(),
            is_ready,
        }
    }

    /// The findings about addresses, each with its hint.
    fn said(
        of_west: Observation,
        of_east: Observation,
        known: &LastKnown,
        forget: &[&str],
    ) -> String {
        let now = Timestamp::new("2026-05-05T00:00:00Z").unwrap();
        let mesh = mesh();
        let observed: Vec<_> = [("west", of_west), ("east", of_east)]
            .into_iter()
            .map(|(cluster, observation)| ObservedGateway {
                cluster: cluster.to_owned(),
                kind: GatewayKind::Ingress,
                observation,
            })
            .collect();
        let forget: BTreeSet<String> = forget.iter().map(|&name| name.to_owned()).collect();
        let gateways = publish(&observed, known, &forget, &now);
        let mut facts = gateways.facts();
        let found = BTreeMap::from([("lb.example.com".to_owned(), Err("no such host".to_owned()))]);
        let host_names = HostNames::publish(&found, known, &BTreeSet::new(), &now);
        facts.host_names = host_names.facts();
        let addresses = Addresses {
            facts,
            gateways,
            host_names,
            recorded: known.clone(),
            last_known: LastKnown::default(),
            had_none: forget,
        };
        let mut findings = shared::check(&mesh, &addresses.facts).findings;
        addresses.explain(&mesh, &mut findings);
        let mut text = String::new();
        for one in findings
            .iter()
            .filter(|one| one.path.starts_with("spec.clusters"))
        {
            let fields = (&one.code, &one.path, &one.message, &one.hint);
            let (code, path, message, hint) = fields;
            writeln!(text, "{code} {path}\n  {message}\n  hint: {hint}").unwrap();
        }
        text
    }

    #[test]
    fn where_addresses_come_from_is_said() {
        let then = Timestamp::new("2026-05-04T09:12:31Z").unwrap();
        let known = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|&text| text.to_owned()).collect();
            LastKnown {
                gateways: [("east".to_owned(), Known::new(addresses, &then))].into(),
                host_names: [(
                    "lb.example.com".to_owned(),
                    Known::new(vec!["192.0.2.7".parse().unwrap()], &then),
                )]
                .into(),
                ..LastKnown::default()
            }
        };
        let mut from_records = known(&["192.0.2.2", "2001:db8::2"]);
        from_records.gateways.get_mut("east").unwrap().seen = None;
        let west = || found(&["192.0.2.1"], None);
        let away = || Observation::Unknown("context east: no answer".to_owned());
        let nothing = LastKnown::default();
        let mut text = String::new();
        for (what, said) in [
            (
                "all found",
                said(west(), found(&["192.0.2.2"], None), &nothing, &[]),
            ),
            ("away", said(west(), away(), &known(&["192.0.2.2"]), &[])),
            (
                "away, from the live records",
                said(west(), away(), &from_records, &[]),
            ),
            (
                "away, drained before",
                said(west(), away(), &known(&[]), &[]),
            ),
            ("away, never seen", said(west(), away(), &nothing, &[])),
            (
                "one drained",
                said(west(), found(&[], None), &known(&["192.0.2.2"]), &[]),
            ),
            (
                "all lost",
                said(
                    found(&[], None),
                    found(&[], None),
                    &known(&["192.0.2.2"]),
                    &[],
                ),
            ),
            (
                "one not ready",
                said(west(), found(&["192.0.2.2"], Some(false)), &nothing, &[]),
            ),
            (
                "none ready",
                said(
                    found(&["192.0.2.1"], Some(false)),
                    found(&["192.0.2.2"], Some(false)),
                    &nothing,
                    &[],
                ),
            ),
            (
                "a host name does not resolve",
                said(west(), found(&["LB.example.com"], None), &known(&[]), &[]),
            ),
            (
                "a host name never resolved",
                said(west(), found(&["lb.example.com"], None), &nothing, &[]),
            ),
            (
                "nothing to forget",
                said(west(), found(&["192.0.2.2"], None), &nothing, &["east"]),
            ),
        ] {
            writeln!(text, "{what}\n{said}").unwrap();
        }
        insta::assert_snapshot!(text);
    }
}
