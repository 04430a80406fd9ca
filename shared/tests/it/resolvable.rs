//! What a sidecar does with each published name, from what is rendered: whether it can be called, and leaves a cluster
//! that fails.

use std::collections::BTreeMap;

use documents::{bundle, meshes};
use proptest::prelude::*;
use serde_json::Value;
use shared::bundle::{Bundle, ClusterManifests};
use shared::check;
use shared::facts::Facts;
use shared::kubernetes::object::Object;
use shared::mesh::{Mesh, Protocol, Target};
use shared::render::WIDE;
use shared::resolved::Resolved;
use shared::resolved::published::Level;

/// The document after the checks, and what every cluster gets.
fn rendered(mut mesh: Mesh) -> (Resolved, Bundle) {
    mesh.spec.target = Some(Target::Direct);
    let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
    (resolved, bundle(&mesh, &Facts::default()))
}

/// Objects of a kind in a cluster; a cluster of a mesh without services can get nothing.
fn objects<'a>(bundle: &'a Bundle, cluster: &str, kind: &str) -> Vec<&'a Object> {
    let objects = bundle.cluster(cluster).into_iter();
    let objects = objects.flat_map(ClusterManifests::objects);
    objects.filter(|object| object.kind.kind == kind).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_name_can_be_called_in_every_mesh(mesh in meshes()) {
        let (resolved, bundle) = rendered(mesh);
        for (index, cluster) in resolved.clusters.iter().enumerate() {
            let known = Known::of(&bundle, cluster.name.as_str());
            let entries = objects(&bundle, cluster.name.as_str(), "ServiceEntry");
            for service in &resolved.services {
                for name in &service.names {
                    if !service.is_called_from(index) {
                        let host = name.host.as_str();
                        let mut hosts = entries.iter().flat_map(|one| texts(&one.body["spec"]["hosts"]));
                        prop_assert!(hosts.all(|one| one != host), "{host} in {}", cluster.name);
                        continue;
                    }
                    // Plain TCP is found by one name only, since sidecars are not told which was called.
                    let ports = service.ports.iter();
                    let ports = ports.filter(|port| port.protocol != Protocol::Tcp || name.level == Level::Global);
                    for port in ports {
                        prop_assert!(
                            known.leads(name.host.as_str(), port.published, port.protocol),
                            "{}:{} in {}", name.host, port.published, cluster.name
                        );
                    }
                }
            }
        }
    }

    /// An endpoint that fails is left only where a rule says so, and Istio takes the most specific one.
    #[test]
    fn every_name_with_more_than_one_endpoint_fails_over(mesh in meshes()) {
        let (resolved, bundle) = rendered(mesh);
        let mut published = BTreeMap::new();
        for service in &resolved.services {
            published.extend(service.names.iter().map(|name| (name.host.as_str(), service)));
        }
        for cluster in &resolved.clusters {
            let rules = objects(&bundle, cluster.name.as_str(), "DestinationRule");
            for entry in objects(&bundle, cluster.name.as_str(), "ServiceEntry") {
                let spec = &entry.body["spec"];
                for host in texts(&spec["hosts"]) {
                    let Some(service) = published.get(host) else { continue };
                    let rule = rules
                        .iter()
                        .map(|rule| &rule.body["spec"])
                        .filter(|rule| covers(rule["host"].as_str().unwrap(), host))
                        .max_by_key(|rule| rule["host"].as_str().unwrap().len());
                    let policy = rule.map(|rule| &rule["trafficPolicy"]);
                    let several = spec["endpoints"].as_array().is_some_and(|all| all.len() > 1);
                    let fails_over = policy.is_some_and(|policy| policy["outlierDetection"].is_object());
                    prop_assert!(!several || fails_over, "{host} in {}", cluster.name);
                    let text = policy.map(Value::to_string).unwrap_or_default();
                    prop_assert_eq!(text.contains("ISTIO_MUTUAL"), service.is_mutual(), "{} in {}", host, cluster.name);
                }
            }
            // No rule is for names that are not published.
            for rule in &rules {
                let host = rule.body["spec"]["host"].as_str().unwrap();
                let below = format!(".{}", resolved.dns.suffix);
                let is_wide = rule.name.starts_with(WIDE) && host.starts_with("*.");
                prop_assert!(!is_wide || host.ends_with(&below), "{host}");
            }
        }
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Whether a host of an entry or a rule, which can be a wildcard, is for a name.
fn covers(pattern: &str, host: &str) -> bool {
    pattern == host
        || pattern
            .strip_prefix('*')
            .is_some_and(|end| host.ends_with(end))
}

/// What the sidecars of a cluster know of names.
struct Known<'a> {
    entries: Vec<&'a Value>,
    routes: Vec<&'a Value>,
}

impl<'a> Known<'a> {
    fn of(bundle: &'a Bundle, cluster: &str) -> Self {
        let specs = |kind: &str| -> Vec<&'a Value> {
            let objects = objects(bundle, cluster, kind).into_iter();
            objects.map(|object| &object.body["spec"]).collect()
        };
        let mut routes = specs("VirtualService");
        routes.retain(|spec| texts(&spec["gateways"]).eq(["mesh"]));
        Self {
            entries: specs("ServiceEntry"),
            routes,
        }
    }

    /// Whether calls for a name at a port get to an entry whose port speaks the protocol: where a VirtualService leads
    /// them, or by the entry of the name, or by the most specific wildcard.
    fn leads(&self, host: &str, port: u16, protocol: Protocol) -> bool {
        let mut routes = self.routes.iter();
        let routes = routes.find(|spec| texts(&spec["hosts"]).any(|one| one == host));
        let mut at = host;
        if let Some(routes) = routes.filter(|_| protocol.is_http()) {
            let mut http = routes["http"].as_array().into_iter().flatten();
            let taken = http.find(|route| {
                let matches = route["match"].as_array();
                matches.is_none_or(|all| {
                    all.iter().any(|one| {
                        let prefix = one["authority"]["prefix"].as_str();
                        let number = one["port"].as_u64();
                        prefix.is_none_or(|prefix| host.starts_with(prefix))
                            && number.is_none_or(|number| number == u64::from(port))
                    })
                })
            });
            let Some(route) = taken else { return false };
            let destination = &route["route"][0]["destination"];
            if destination["port"]["number"] != port {
                return false;
            }
            at = destination["host"].as_str().unwrap();
        }
        let entry = self
            .entries
            .iter()
            .flat_map(|spec| texts(&spec["hosts"]).map(move |one| (one, *spec)))
            .filter(|(pattern, _)| covers(pattern, at))
            .max_by_key(|(pattern, _)| (!pattern.starts_with('*'), pattern.len()));
        let Some((_, entry)) = entry else {
            return false;
        };
        let mut ports = entry["ports"].as_array().into_iter().flatten();
        ports.any(|one| {
            let spoken = one["protocol"].as_str().unwrap();
            let is_two = |text: &str| ["HTTP2", "GRPC"].contains(&text);
            let desired = protocol.as_str().to_uppercase();
            one["number"] == port && (spoken == desired || (is_two(spoken) && is_two(&desired)))
        })
    }
}
