//! Manifests of others: the suffix of their names, and their ExternalDNS.

use super::of_others::BY_HAND;
use super::{bundle, example, files, finding, imported, source};

/// Its records would be deleted with its Deployment.
#[test]
fn external_dns_for_other_sources_is_not_taken_over() {
    let deployment = |args: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: external-dns, namespace: dns}}\n\
             spec: {{template: {{spec: {{containers: [{{name: a, image: registry.k8s.io/external-dns/external-dns:v0.20.0, args: [{args}]}}]}}}}}}\n"
        )
    };
    for (sources, is_taken) in [
        ("--source=crd", true),
        ("--source, crd", true),
        ("--source=ingress", false),
        ("--source=service, --source=ingress", false),
        ("--source=crd, --source=service", false),
        ("--source, istio-gateway", false),
        ("", false),
    ] {
        let comma = if sources.is_empty() { "" } else { ", " };
        let args = format!(
            "{sources}{comma}--provider=aws, --registry=txt, --txt-owner-id=me, --domain-filter=example.com"
        );
        let text = format!("{BY_HAND}{}", deployment(&args));
        let imported = imported(&[source("all.yaml", &text)]);
        let external_dns = imported.mesh.spec.dns.external_dns.as_ref();
        assert_eq!(external_dns.is_some(), is_taken, "{sources}");
        if let Some(external_dns) = external_dns {
            assert_eq!(external_dns.provider, "aws", "{sources}");
            assert_eq!(external_dns.args, Vec::<String>::new(), "{sources}");
        } else {
            finding(&imported, "FM1001", "all.yaml: Deployment dns/external-dns");
        }
    }
}

/// Its zone is that of other records.
#[test]
fn the_suffix_is_not_the_zone_of_external_dns_for_other_sources() {
    let mut sources = files(&bundle(&example("walkthrough")));
    let other = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other, namespace: dns}\n\
        spec: {template: {spec: {containers: [{image: external-dns, args: [--source=ingress, --domain-filter=shop.example.org]}]}}}\n";
    for source in &mut sources {
        source.text = source
            .text
            .replace("--domain-filter=my.dns.zone.name", "--dry-run=false");
    }
    sources[0].text.push_str(other);
    let imported = imported(&sources);
    assert_eq!(imported.mesh.spec.dns.suffix, "my.dns.zone.name");
}

#[test]
fn a_suffix_that_may_start_with_a_region_or_zone_is_told() {
    let text = |hosts: &str, locality: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
             spec: {{hosts: [{hosts}], gateways: [g, mesh], http: [{{route: [{{destination: {{host: a, port: {{number: 1}}}}}}]}}]}}\n---\n\
             apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: a}}\n\
             spec: {{hosts: [{hosts}], ports: [], endpoints: [{{address: a.b.svc.cluster.local, locality: '{locality}'}}]}}\n"
        )
    };
    let name = |end: &str| format!("a.default.external.svc.{end}");
    let (z1, z2) = (name("z1.r1.example.com"), name("z2.r1.example.com"));
    for (hosts, locality, suffix, is_told) in [
        (z1.clone(), "", "z1.r1.example.com", true),
        (z1.clone(), "r1/z1", "example.com", false),
        (format!("{z1}, {z2}"), "", "r1.example.com", true),
        (format!("{z1}, {z2}"), "r1/z2", "example.com", false),
        (
            format!("{z1}, {}", name("z3.r2.example.com")),
            "",
            "example.com",
            false,
        ),
        (
            format!("{z1}, {}", name("example.com")),
            "",
            "example.com",
            false,
        ),
        (name("example.com"), "", "example.com", false),
    ] {
        let imported = imported(&[source("a.yaml", &text(&hosts, locality))]);
        assert_eq!(imported.mesh.spec.dns.suffix, suffix, "{hosts} {locality}");
        let told = imported
            .findings
            .iter()
            .any(|one| one.path == "spec.dns.suffix");
        assert_eq!(told, is_told, "{hosts} {locality}");
    }
}
