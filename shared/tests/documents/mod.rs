//! Documents for the tests: those in `examples/`, and generated ones.

#![allow(dead_code, reason = "each test program takes what it needs")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check;
use shared::facts::Facts;
use shared::mesh::{Gitops, Mesh, Target};

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

/// Overrides for all but the first of a service's clusters, of the kind `kind` of four.
pub(crate) fn overrides(kind: usize, name: &str, port: u32, clusters: &[&Value]) -> Value {
    let others = clusters.get(1..).unwrap_or_default();
    let there = format!("{name}-there");
    match kind {
        _ if others.is_empty() => json!([]),
        1 => json!([{ "clusters": others, "namespace": "elsewhere" }]),
        2 => json!([{ "clusters": others, "port": port + 1 }]),
        3 => others
            .iter()
            .enumerate()
            .map(|(index, cluster)| match index % 2 {
                0 => json!({ "clusters": [cluster], "name": there, "namespace": "elsewhere", "port": port + 1 }),
                _ => json!({ "clusters": [cluster], "name": there }),
            })
            .collect(),
        _ => json!([]),
    }
}
const BOOKINFO: [&str; 4] = [
    "{}",
    r#"{"routes":"all-v1"}"#,
    r#"{"routes":"reviews-v2-v3"}"#,
    r#"{"routes":"reviews-v3"}"#,
];

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
        (0..4_usize, 0..4_u8),
    );
    (
        proptest::collection::vec(cluster, 1..5),
        proptest::collection::vec(service, 0..5),
        0..Target::ALL.len(),
        proptest::option::of(1..100_000_u32),
        any::<prop::sample::Index>(),
        prop_oneof![Just("external-dns"), Just("default"), Just("istio-system")],
        (any::<(bool, bool)>(), 0..BOOKINFO.len()),
    )
        .prop_map(|(clusters, services, target, ttl, dns, namespace, ((gateway_api, mcs), bookinfo))| {
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
                .map(|(index, (name, namespace, port, hostname, mask, retry, (overridden, locality)))| {
                    let mut placed: Vec<&Value> =
                        clusters.iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0).map(|(_, c)| &c["name"]).collect();
                    if placed.is_empty() {
                        placed.push(&clusters[0]["name"]);
                    }
                    // The first is a sample's, so that the sample is not everywhere either.
                    let name = match (index, retry) {
                        (0, Some(true)) => "httpbin".to_owned(),
                        (0, Some(false)) => "productpage".to_owned(),
                        _ => format!("{name}-{index}"),
                    };
                    let overrides = overrides(*overridden, &name, *port, &placed);
                    let mut service = json!({
                        "name": name, "namespace": namespace, "port": port, "clusters": placed, "overrides": overrides,
                    });
                    if let Some(locality) = preferences(*locality, &placed, &clusters) {
                        service["locality"] = locality;
                    }
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
                    "clusters": clusters, "services": services, "samples": ["sleep", "httpbin", "bookinfo"],
                    "bookinfo": serde_json::from_str::<Value>(BOOKINFO[bookinfo]).unwrap(),
                },
            }))
            .unwrap();
            mesh.spec.dns.ttl = ttl;
            mesh.spec.gateway_api = gateway_api.then_some(true);
            mesh.spec.mcs = mcs.then_some(true);
            with_target(&mesh, Target::ALL[target])
        })
}

/// Who takes the calls of whom, of several kinds, for a service that runs in the clusters of these names.
fn preferences(kind: u8, placed: &[&Value], clusters: &[Value]) -> Option<Value> {
    let runs = |cluster: &&Value| placed.contains(&&cluster["name"]);
    let place =
        |cluster: &Value| format!("{}/{}", text(&cluster["region"]), text(&cluster["zone"]));
    let first = clusters.iter().find(runs)?;
    let last = clusters.iter().rfind(runs)?;
    let mut given = json!({});
    if kind & 1 != 0 {
        given["failover"] = json!([{ "to": last["region"] }]);
    }
    if kind & 2 != 0 {
        let mut shares = json!({});
        shares[place(first)] = json!(100);
        if place(last) != place(first) {
            shares[place(first)] = json!(70);
            shares[place(last)] = json!(30);
        }
        given["distribute"] = json!([{ "from": place(last), "to": shares }]);
    }
    (kind > 0).then_some(given)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
