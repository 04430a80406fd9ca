//! Documents for the tests: those in `examples/`, and generated ones.

#![allow(dead_code, reason = "each test program takes what it needs")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check;
use shared::facts::Facts;
use shared::mesh::{EastWestGateway, Gitops, Mesh, Target, Tls, Transport};

/// Every document in `examples/`, by file name.
#[expect(clippy::disallowed_methods, reason = "tests read files")]
pub(crate) fn examples() -> BTreeMap<String, Mesh> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let paths = std::fs::read_dir(folder).unwrap();
    let examples: BTreeMap<String, Mesh> = paths
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let mesh = Mesh::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), mesh)
        })
        .collect();
    assert!(examples.len() >= 3, "{examples:?}");
    examples
}

/// The document with another engine, and what that engine needs.
pub(crate) fn with_target(mesh: &Mesh, target: Target) -> Mesh {
    let mut mesh = mesh.clone();
    mesh.spec.target = Some(target);
    if target == Target::Gitops && mesh.spec.gitops.is_none() {
        mesh.spec.gitops = Some(Gitops {
            repo_url: "https://git.example.com/platform/mesh.git".into(),
            path: Some("mesh/prod".into()),
            ..Gitops::default()
        });
    }
    mesh
}

pub(crate) fn bundle(mesh: &Mesh, facts: &Facts) -> Bundle {
    let checked = check(mesh, facts);
    Bundle::new(
        mesh,
        &checked
            .resolved
            .unwrap_or_else(|| panic!("{:#?}", checked.findings)),
    )
}

/// Documents of all shapes that pass the checks.
pub(crate) fn meshes() -> impl Strategy<Value = Mesh> {
    let label = "[a-z]([a-z0-9-]{0,8}[a-z0-9])?";
    let cluster = (
        label,
        0..3_usize,
        0..3_usize,
        proptest::option::of(1..255_u8),
        // Gateways differ in namespace, and in the port from zone to zone.
        any::<bool>(),
    );
    let service = (
        label,
        label,
        1..65535_u32,
        proptest::option::of(label),
        any::<u8>(),
        proptest::option::of(any::<bool>()),
    );
    (
        proptest::collection::vec(cluster, 1..5),
        proptest::collection::vec(service, 0..5),
        0..Target::ALL.len(),
        proptest::option::of(1..100_000_u32),
        any::<prop::sample::Index>(),
        prop_oneof![Just("external-dns"), Just("default"), Just("istio-system")],
    )
        .prop_map(|(clusters, services, target, ttl, dns, namespace)| {
            let clusters: Vec<Value> = clusters
                .iter()
                .enumerate()
                .map(|(index, (name, region, zone, address, gateway))| {
                    let mut cluster = json!({
                        "name": format!("{name}-{index}"), "region": format!("r{region}"), "zone": format!("z{zone}"),
                        "gateway": {},
                    });
                    if let Some(address) = address {
                        cluster["gateway"]["addresses"] = json!([format!("203.0.113.{address}")]);
                    }
                    if *zone > 0 {
                        cluster["gateway"]["port"] = json!(8080 + zone);
                    }
                    if *gateway {
                        cluster["gateway"]["namespace"] = json!("edge");
                    }
                    cluster
                })
                .collect();
            let services: Vec<Value> = services
                .iter()
                .enumerate()
                .map(|(index, (name, namespace, port, hostname, mask, retry))| {
                    let mut placed: Vec<&Value> =
                        clusters.iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).map(|(_, c)| &c["name"]).collect();
                    if placed.is_empty() {
                        placed.push(&clusters[0]["name"]);
                    }
                    // The first is the sample's, so that the sample is not everywhere either.
                    let name = if index == 0 && *retry == Some(true) { "httpbin".to_owned() } else { format!("{name}-{index}") };
                    let mut service = json!({ "name": name, "namespace": namespace, "port": port, "clusters": placed });
                    if let Some(hostname) = hostname {
                        service["hostname"] = json!(format!("{hostname}-{index}"));
                    }
                    if let Some(retry) = retry {
                        service["failover"] = json!({ "retry": retry });
                    }
                    service
                })
                .collect();
            let mut mesh: Mesh = serde_json::from_value(json!({
                "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
                "spec": {
                    "dns": {
                        "suffix": "mesh.example.com", "cluster": dns.get(&clusters)["name"],
                        "externalDns": { "provider": "aws", "namespace": namespace },
                    },
                    "clusters": clusters, "services": services, "samples": ["sleep", "httpbin"],
                },
            }))
            .unwrap();
            mesh.spec.dns.ttl = ttl;
            with_target(&mesh, Target::ALL[target])
        })
}

/// The same, each service with any transport between clusters that goes with the others'.
pub(crate) fn meshes_of_every_transport() -> impl Strategy<Value = Mesh> {
    (meshes(), any::<bool>(), any::<u8>(), any::<bool>()).prop_map(
        |(mut mesh, is_tls, mutual, is_edge)| {
            let others = if is_tls {
                Transport::Tls
            } else {
                Transport::Http
            };
            mesh.spec.transport = Some(others);
            mesh.spec.tls = is_tls.then(|| Tls {
                credential_name: Some("door".into()),
                ..Tls::default()
            });
            for (index, service) in mesh.spec.services.iter_mut().enumerate() {
                if mutual & (1 << index) != 0 {
                    service.transport = Some(Transport::Mtls);
                    service.service_account = service.hostname.clone();
                }
            }
            for (index, cluster) in mesh.spec.clusters.iter_mut().enumerate() {
                cluster.trust_domain = is_edge.then(|| format!("{}.example.com", cluster.region));
                cluster.east_west_gateway = Some(EastWestGateway {
                    namespace: is_edge.then(|| "edge".into()),
                    addresses: vec![format!("203.0.113.{index}")],
                    ..EastWestGateway::default()
                });
            }
            mesh
        },
    )
}
