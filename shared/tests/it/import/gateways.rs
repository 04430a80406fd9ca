//! Gateways of others: their Services, addresses and certificates.

use serde_json::{Value, json};
use shared::check::Finding;
use shared::import::{Imported, Options, Source, import};

use super::{finding, imported, source};

/// A service at a Gateway with some servers.
fn at(servers: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: public, namespace: web}}\n\
         spec: {{selector: {{app: door}}, servers: [{servers}]}}\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: shop, namespace: web}}\n\
         spec: {{hosts: [shop.example.com], gateways: [public], http: [{{route: [{{destination: {{host: shop, port: {{number: 8000}}}}}}]}}]}}\n---\n"
    )
}

fn of(text: &str) -> (Value, Imported) {
    let imported = imported(&[source("a.yaml", text)]);
    let document = serde_json::to_value(&imported.mesh).unwrap();
    (document["spec"].clone(), imported)
}

const PLAIN: &str = "{port: {number: 8080, name: http, protocol: HTTP}, hosts: ['*']}";

#[test]
fn the_port_of_a_gateway_is_that_of_its_service() {
    let service = |selector: &str, ports: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: door, namespace: edge}}\n\
             spec: {{type: LoadBalancer, selector: {selector}, ports: [{ports}]}}\n"
        )
    };
    for (service, gateway, is_assumed) in [
        // Port 80 is the default.
        (
            service("{app: door}", "{port: 80, targetPort: 8080}"),
            json!({ "service": "door", "namespace": "edge", "selector": { "app": "door" } }),
            false,
        ),
        (
            service(
                "{app: door, tier: edge}",
                "{port: 9, targetPort: 9}, {port: 81, targetPort: 8080}",
            ),
            json!({ "service": "door", "namespace": "edge", "selector": { "app": "door" }, "port": 81 }),
            false,
        ),
        // Istio prefers the Service's own port.
        (
            service(
                "{app: door}",
                "{port: 80, targetPort: 8080}, {port: 8080, targetPort: 8081}",
            ),
            json!({ "service": "door", "namespace": "edge", "selector": { "app": "door" }, "port": 8080 }),
            false,
        ),
        (
            service("{app: other}", "{port: 80, targetPort: 8080}"),
            json!({ "selector": { "app": "door" }, "port": 8080 }),
            true,
        ),
        (
            service("{app: door}", "{port: 80, targetPort: http}"),
            json!({ "service": "door", "namespace": "edge", "selector": { "app": "door" }, "port": 8080 }),
            true,
        ),
        (
            String::new(),
            json!({ "selector": { "app": "door" }, "port": 8080 }),
            true,
        ),
    ] {
        let (spec, imported) = of(&(at(PLAIN) + &service));
        assert_eq!(spec["clusters"][0]["gateway"], gateway, "{service}");
        assert_eq!(
            assumed(&imported, "gateway.port").len(),
            usize::from(is_assumed),
            "{service}"
        );
        // A Service with other labels is not that of the Gateway.
        let has_service = gateway.get("service").is_some();
        assert_eq!(
            assumed(&imported, "gateway.service").is_empty(),
            has_service,
            "{service}"
        );
    }
}

/// What is assumed of a field of the cluster.
fn assumed<'a>(imported: &'a Imported, field: &str) -> Vec<&'a Finding> {
    let path = format!("spec.clusters[0].{field}");
    let findings = imported.findings.iter();
    findings
        .filter(|one| one.code == "FM1004" && one.path == path)
        .collect()
}

#[test]
fn the_service_of_pods_that_are_not_the_ingress_gateway_is_assumed() {
    let of_istio = at(PLAIN).replace("app: door", "istio: ingressgateway");
    let (_, usual) = of(&of_istio);
    assert_eq!(assumed(&usual, "gateway.service"), [] as [&Finding; 0]);

    let (spec, imported) = of(&at(PLAIN).replace("app: door", "istio: eastwestgateway"));
    assert_eq!(
        spec["clusters"][0]["gateway"],
        json!({
            "service": "istio-eastwestgateway", "selector": { "istio": "eastwestgateway" }, "port": 8080,
        })
    );
    let [told] = assumed(&imported, "gateway.service")[..] else {
        panic!("{imported:#?}")
    };
    assert!(told.hint.contains("`istio-eastwestgateway`"), "{told:?}");
}

#[test]
fn pods_of_a_gateway_that_is_missing_or_selects_all_are_assumed() {
    let (gateway, route) = {
        let text = at(PLAIN);
        let (gateway, route) = text.split_once("---\n").unwrap();
        (format!("{gateway}---\n"), route.to_owned())
    };
    let more = route.replace("shop", "cart");
    let of_any = gateway.replace("{app: door}", "{}");
    for (text, reason) in [
        (format!("{gateway}{route}"), None),
        (route.clone(), Some("is not among the manifests")),
        (format!("{route}{more}"), Some("is not among the manifests")),
        (
            format!(
                "{gateway}{route}{}",
                more.replace("[public]", "[mesh, other]")
            ),
            Some("`web/other` of cluster `cluster1` is not among"),
        ),
        (format!("{of_any}{route}"), Some("has no selector")),
    ] {
        let (_, imported) = of(&text);
        let told = assumed(&imported, "gateway.selector");
        assert_eq!(told.len(), usize::from(reason.is_some()), "{text}{told:#?}");
        for (told, reason) in told.iter().zip(reason) {
            assert!(told.message.contains(reason), "{told:?}");
        }
        assert!(imported.is_incomplete());
    }
}

const TLS: &str = "{port: {number: 443, name: https, protocol: https}, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: shop-cert, minProtocolVersion: TLSV1_3}}";

#[test]
fn a_gateway_with_the_certificate_of_every_service_gives_transport_tls() {
    let redirect = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*'], tls: {httpsRedirect: true}}";
    let plain = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}";
    for (servers, redirects) in [
        (TLS.to_owned(), Some(false)),
        (format!("{redirect}, {TLS}"), None),
        (format!("{plain}, {TLS}"), None),
    ] {
        let (spec, imported) = of(&at(&servers));
        assert_eq!(spec["transport"], "tls", "{servers}");
        let mut tls = json!({ "credentialName": "shop-cert", "minVersion": "TLSV1_3" });
        if let Some(redirects) = redirects {
            tls["redirect"] = redirects.into();
        }
        assert_eq!(spec["tls"], tls, "{servers}");
        finding(&imported, "FM1004", "spec.tls.ca");
        let lost = "a.yaml: Gateway web/public spec.servers";
        let lost = imported.findings.iter().any(|one| {
            one.code == "FM1002" && one.path.starts_with(lost) && !one.path.ends_with("hosts")
        });
        assert_eq!(lost, servers.starts_with(plain), "{servers} {imported:#?}");
    }
}

#[test]
fn a_certificate_for_some_services_only_is_told_with_the_field_for_it() {
    let cart = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart, namespace: web}\n\
        spec: {hosts: [cart.example.com], gateways: [public], http: [{route: [{destination: {host: cart, port: {number: 7000}}}]}]}\n";
    let (spec, imported) = of(&(at(&format!("{PLAIN}, {TLS}")) + cart));
    assert_eq!(spec.get("transport"), None);
    let path = "a.yaml: Gateway web/public spec.servers[1]";
    let told = finding(&imported, "FM1002", path);
    assert!(told.hint.contains("transport: tls"), "{told:?}");
}

/// The document keeps it, and all else is compared.
#[test]
fn an_invalid_name_of_a_secret_is_left_out_alone() {
    let templated = TLS.replace("shop-cert", "$CREDENTIAL_NAME");
    let named = at(&templated).replace("http: [{", "http: [{name: all, ");
    let (spec, imported) = of(&named);
    assert_eq!(spec["tls"]["credentialName"], "$CREDENTIAL_NAME");
    let part = &finding(&imported, "FM1002", "").message;
    assert!(
        part.ends_with("without `spec.tls.credentialName`"),
        "{part}"
    );
    finding(&imported, "FM1003", "a.yaml: Gateway web/public");
    let secret = "a.yaml: Gateway web/public spec.servers[0].tls.credentialName";
    let told = finding(&imported, "FM1002", secret);
    assert!(!told.message.contains("no-secret"), "{told:?}");
    assert!(told.hint.contains("`tls.credentialName`"), "{told:?}");
    let lost = imported.findings.iter();
    let lost = lost.filter(|one| one.code == "FM1002" && !one.path.is_empty());
    let lost: Vec<&str> = lost.map(|one| one.path.as_str()).collect();
    assert_eq!(
        lost,
        [secret, "a.yaml: VirtualService web/shop spec.http[0].name",]
    );
}

/// An entry for a service of cluster `east`, in `east`, with its Service and the gateway of `west`.
fn entry(location: &str, own: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: shop, namespace: web}}\n\
         spec:\n  hosts: [shop.web.external.svc.example.com]\n  location: {location}\n  resolution: DNS\n\
         \x20 ports: [{{number: 80, name: http, protocol: HTTP}}]\n  endpoints:\n\
         \x20 - {{address: {own}, locality: r1/z1, ports: {{http: 8080}}}}\n\
         \x20 - {{address: 203.0.113.5, locality: r2/z2, ports: {{http: 15443}}}}\n---\n"
    )
}

fn in_cluster(cluster: &str, text: String) -> Source {
    Source {
        file: format!("{cluster}.yaml"),
        cluster: Some(cluster.to_owned()),
        text,
    }
}

fn with_names(servers: &str) -> String {
    at(servers).replace(
        "hosts: [shop.example.com]",
        "hosts: [shop.web.external.svc.example.com, shop.web.external.svc.r1.example.com]",
    )
}

#[test]
fn a_service_that_is_an_endpoint_of_its_own_name_is_no_gateway() {
    let options = Options {
        suffix: Some("example.com".to_owned()),
        ..Options::default()
    };
    for location in ["MESH_INTERNAL", "MESH_EXTERNAL"] {
        let own = "shop.web.svc.cluster.local";
        for routes in [String::new(), with_names(PLAIN)] {
            let text = entry(location, own) + &routes;
            let imported = import(&[in_cluster("east", text)], &options).unwrap();
            let cluster = &imported.mesh.spec.clusters[0];
            assert_eq!(
                (cluster.region.as_str(), cluster.zone.as_str()),
                ("r1", "z1")
            );
            assert_eq!(cluster.east_west_gateway, None, "{location}");
            let gateway = cluster.gateway.clone().unwrap_or_default();
            assert_eq!(gateway.service, None, "{location}");
            // No cluster has its address.
            let path = "east.yaml: ServiceEntry web/shop spec.endpoints[1].address";
            finding(&imported, "FM1002", path);
        }
    }
    // Another Service is a gateway.
    let text = entry("MESH_INTERNAL", "door.edge.svc.cluster.local");
    let imported = import(&[in_cluster("east", text)], &options).unwrap();
    let gateway = imported.mesh.spec.clusters[0].east_west_gateway.as_ref();
    assert_eq!(gateway.unwrap().service.as_deref(), Some("door"));
}

#[test]
fn a_stated_address_is_that_of_the_cluster_in_its_locality() {
    let east = entry("MESH_EXTERNAL", "shop.web.svc.cluster.local") + &with_names(PLAIN);
    let west = east.replace("locality: r1/z1", "locality: r2/z2").replace(
        "203.0.113.5, locality: r2/z2",
        "198.51.100.7, locality: r1/z1",
    );
    let imported = imported(&[in_cluster("east", east), in_cluster("west", west)]);
    let document = serde_json::to_value(&imported.mesh).unwrap();
    let clusters = document["spec"]["clusters"].as_array().unwrap();
    let addresses: Vec<(&str, &str)> = clusters
        .iter()
        .map(|one| {
            let address = one["gateway"]["addresses"][0].as_str();
            (one["name"].as_str().unwrap(), address.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        addresses,
        [("east", "198.51.100.7"), ("west", "203.0.113.5")]
    );
}

/// WorkloadEntries beside a selector, instead of endpoints.
#[test]
fn selected_workloads_are_endpoints_like_those_of_an_entry() {
    let (head, _) = entry("MESH_INTERNAL", "unused")
        .split_once("  endpoints:")
        .map(|(head, rest)| (head.to_owned(), rest.to_owned()))
        .unwrap();
    let workload = |name: &str, address: &str, locality: &str| {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {{name: {name}, namespace: web}}\n\
             spec: {{address: {address}, locality: {locality}, labels: {{of: shop}}, ports: {{http: 8080}}}}\n"
        )
    };
    let text = head
        + "  workloadSelector: {labels: {of: shop}}\n"
        + &workload("a", "shop.web.svc.cluster.local", "r1/z1")
        + &workload("b", "203.0.113.5", "r2/z2");
    let options = Options {
        suffix: Some("example.com".to_owned()),
        ..Options::default()
    };
    let imported = import(&[in_cluster("east", text)], &options).unwrap();
    let cluster = &imported.mesh.spec.clusters[0];
    assert_eq!(
        (cluster.region.as_str(), cluster.zone.as_str()),
        ("r1", "z1")
    );
    assert_eq!(cluster.east_west_gateway, None);
    let path = "east.yaml: ServiceEntry web/shop spec.workloadSelector";
    finding(&imported, "FM1002", path);
}
