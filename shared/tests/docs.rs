//! The documents in `docs/` name every field and every rule there is.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::Mesh;
use shared::check::code;

#[expect(clippy::disallowed_methods, reason = "tests read files")]
fn document(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_rule_is_listed() {
    let text = document("findings.md");
    for code in code::ALL {
        let peers = code.peers.join(", ");
        assert!(
            text.contains(&format!("| {} | {} | {peers} |", code.id, code.title)),
            "{}",
            code.id
        );
    }
}

#[test]
fn every_cause_is_listed() {
    let text = document("verify.md");
    let source = include_str!("../src/verify/cause.rs");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| {
            let code = line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1;
            code.strip_suffix("\",")
        })
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(text.contains(&format!("\n| `{code}` | ")), "{code}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one list of all fields")]
fn every_field_is_described() {
    // With every field there is: a new one fails to compile here until it is added.
    let mesh: Mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "target": "direct", "istio": "1.27", "transport": "http", "answerHeader": true,
            "dns": {
                "suffix": "a.b", "federation": "f", "naming": "service", "ttl": 1, "cluster": "c", "nameservers": ["10.0.0.53"],
                "externalDns": { "provider": "p", "ownerId": "o", "namespace": "n", "args": ["--a"], "secret": "s" },
            },
            "clusters": [{
                "name": "c", "context": "x", "region": "r", "zone": "z", "dnsFlavour": "coredns",
                "gateway": { "service": "s", "namespace": "n", "selector": { "k": "v" }, "addresses": ["a"], "port": 1 },
            }],
            "services": [{
                "name": "s", "namespace": "n", "port": 1, "hostname": "h", "clusters": ["c"],
                "routes": [{ "exact": "/" }, { "prefix": "/" }],
                "failover": { "retry": true, "perTryTimeout": "2s" }, "probe": { "path": "/", "status": 200 },
            }],
            "samples": ["httpbin"],
            "images": { "httpbin": "i", "sleep": "i", "externalDns": "i" },
        },
    }))
    .unwrap();
    let Mesh {
        api_version: _,
        kind: _,
        metadata: shared::mesh::Metadata { name: _ },
        spec,
    } = &mesh;
    let shared::mesh::Spec {
        target: _,
        istio: _,
        dns,
        transport: _,
        answer_header: _,
        clusters,
        services,
        samples: _,
        images,
    } = spec;
    let shared::mesh::Dns {
        suffix: _,
        federation: _,
        naming: _,
        ttl: _,
        cluster: _,
        nameservers: _,
        external_dns,
    } = dns;
    let shared::mesh::ExternalDns {
        provider: _,
        owner_id: _,
        namespace: _,
        args: _,
        secret: _,
    } = external_dns.as_ref().unwrap();
    let shared::mesh::Cluster {
        name: _,
        context: _,
        region: _,
        zone: _,
        gateway,
        dns_flavour: _,
    } = &clusters[0];
    let shared::mesh::Gateway {
        service: _,
        namespace: _,
        selector: _,
        addresses: _,
        port: _,
    } = gateway.as_ref().unwrap();
    let shared::mesh::Service {
        name: _,
        namespace: _,
        port: _,
        hostname: _,
        clusters: _,
        routes: _,
        failover,
        probe,
    } = &services[0];
    let shared::mesh::Failover {
        retry: _,
        per_try_timeout: _,
    } = failover.as_ref().unwrap();
    let shared::mesh::Probe { path: _, status: _ } = probe.as_ref().unwrap();
    let shared::mesh::Images {
        httpbin: _,
        sleep: _,
        external_dns: _,
    } = images.as_ref().unwrap();

    let mut fields = BTreeSet::new();
    leaves(
        &serde_json::to_value(&mesh).unwrap(),
        String::new(),
        &mut fields,
    );
    let text = document("reference.md");
    for field in &fields {
        assert!(
            text.contains(&format!("| `{field}` |")),
            "docs/reference.md does not describe {field}"
        );
    }
    assert!(fields.len() > 30, "{fields:?}");
}

/// The paths of all values, with `[]` for the items of lists; labels are one value.
fn leaves(value: &Value, path: String, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !path.ends_with("selector") => {
            for (key, value) in object {
                leaves(
                    value,
                    if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    },
                    fields,
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| leaves(item, format!("{path}[]"), fields)),
        _ => _ = fields.insert(path),
    }
}
