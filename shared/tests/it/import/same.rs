//! What two documents have in common: all but what no manifest says, which docs/import.md lists.

use serde_json::json;
use shared::import::Imported;
use shared::mesh::{Endpoints, Mesh, Protocol, Target};
use shared::render::render;
use shared::resolved::Resolved;
use shared::resolved::published::PublishedName;

use super::{bundle, resolve};

/// Both documents mean the same, but for what no manifest says.
#[track_caller]
pub(super) fn same_document(mesh: &Mesh, imported: &Imported) {
    let (mut desired, mut got) = (resolve(mesh), resolve(&imported.mesh));
    // Files are named for services, and hosts outside are in the order of their names: a folder has no other.
    for one in [&mut desired, &mut got] {
        one.services.sort_by_key(shared::resolved::Service::id);
        one.external.sort_by_key(|host| host.host.to_string());
        // An API version is all that says of Istio's.
        let versions = ["v1alpha3", "v1beta1", "v1"];
        let version = versions
            .iter()
            .position(|one_of| *one_of == one.istio.networking_api());
        one.istio.minor = version.unwrap().try_into().unwrap();
        // They are merged into a cluster's own settings, which are no manifest of fedmesh's.
        one.dns.nameservers.clear();
        for cluster in &mut one.clusters {
            // How the agent reaches a cluster, and what it does to its DNS, is in no object.
            cluster.context = String::new();
            cluster.dns_flavour = None;
        }
        for service in &mut one.services {
            // How a service is tried is in no object.
            service.probe = shared::resolved::Probe {
                path: String::new(),
                status: None,
            };
            in_each_cluster(service);
            // Their order is no object's.
            if let Some(callers) = &mut service.callers {
                callers.sort_by_key(|caller| format!("{caller:?}"));
            }
            for route in &mut service.routes {
                // A condition that holds of all requests is none.
                if route.matches.iter().all(|one| *one == json!({})) {
                    route.matches.clear();
                }
            }
        }
    }
    not_needed(mesh, &mut desired, &mut got);
    let cluster_count = desired.clusters.len();
    for index in 0..cluster_count {
        of_cluster(index, &mut desired, &mut got);
    }
    if imported
        .findings
        .iter()
        .any(|one| one.path.ends_with("trustDomain"))
    {
        // Which of them is whose makes no difference to any manifest.
        for (desired, got) in desired.clusters.iter_mut().zip(&got.clusters) {
            desired.trust_domain.clone_from(&got.trust_domain);
        }
    }
    let written = bundle(mesh).to_stream();
    for (desired, got) in desired.services.iter_mut().zip(&mut got.services) {
        let elsewhere = |route: &shared::resolved::Route| {
            let ends = ["redirect", "directResponse"];
            ends.iter().any(|end| route.action.contains_key(*end))
        };
        if desired.routes.iter().all(elsewhere) {
            // No request gets to the service, so nothing says at which port it is.
            let take = |desired: &mut Vec<shared::resolved::Port>,
                        got: &[shared::resolved::Port]| {
                for (desired, got) in desired.iter_mut().zip(got) {
                    if desired.protocol.is_http() {
                        desired.number = got.number;
                    }
                }
            };
            take(&mut desired.ports, &got.ports);
            for (cluster, place) in &mut desired.overrides {
                let there = got.overrides.get(cluster);
                take(&mut place.ports, there.map_or(&got.ports, |one| &one.ports));
            }
            if got.overrides.is_empty() {
                // Those of the port alone; any other one is seen by its name.
                let usual = (&desired.name, &desired.namespace, &desired.ports);
                let all = &mut desired.overrides;
                all.retain(|_, one| (&one.name, &one.namespace, &one.ports) != usual);
            }
        }
        if desired.is_mutual() && !is_identified_by_name(desired) {
            for names in [&mut desired.names, &mut got.names] {
                of_plain_tcp(names, &written);
            }
        }
        // What names contain follows from region and zone, which were compared.
        for (desired, got) in desired.names.iter_mut().zip(&got.names) {
            desired.clusters.clone_from(&got.clusters);
        }
        if desired.clusters.len() < 2 || !desired.is_http() {
            // Nothing fails over, or nothing is repeated, so nothing says how.
            desired.retry.clone_from(&got.retry);
        }
        // What fedmesh writes anyway tells nothing of who asked for it.
        let own = json!({
            "consecutive5xxErrors": 0, "consecutiveGatewayErrors": 1, "interval": "1s", "baseEjectionTime": "10s",
            "maxEjectionPercent": 100, "minHealthPercent": 1,
        });
        let asked = &mut desired.outlier_detection;
        asked.retain(|name, value| own[name.as_str()] != *value);
        if desired.clusters.len() < 2 {
            desired.outlier_detection.clone_from(&got.outlier_detection);
            desired.connect_timeout.clone_from(&got.connect_timeout);
        }
        if !desired.is_mutual() {
            // Nobody looks at its identity.
            desired.service_account = None;
        }
        if (0..cluster_count).all(|client| desired.locality.shares.contains_key(&client)) {
            // Where all callers are spread, no rule needs to say which region comes next.
            desired.locality.next.clone_from(&got.locality.next);
        }
    }
    assert_eq!(got, desired, "{}", imported.mesh.to_yaml());
}

/// Whether sidecars tell the names of a service apart, on one of its ports at least.
fn is_identified_by_name(service: &shared::resolved::Service) -> bool {
    let mut ports = service.ports.iter();
    ports.any(|port| port.protocol != Protocol::Tcp)
}

/// Says what a service is in each of its clusters: which of them the others differ from is no object's.
fn in_each_cluster(service: &mut shared::resolved::Service) {
    let Some(mut usual) = service.overrides.values().next().cloned() else {
        return;
    };
    usual.name.clone_from(&service.name);
    usual.namespace.clone_from(&service.namespace);
    usual.ports.clone_from(&service.ports);
    for &cluster in &service.clusters {
        let place = service.overrides.entry(cluster);
        place.or_insert_with(|| usual.clone());
    }
    if let Some(place) = service.overrides.values().next() {
        service.ports.clone_from(&place.ports);
    }
}

/// What a document may say although nothing of it needs it.
fn not_needed(mesh: &Mesh, desired: &mut Resolved, got: &mut Resolved) {
    if desired.target != Target::Gitops {
        // There are no objects of Argo CD and Flux.
        desired.gitops = None;
    }
    if !bundle(mesh).to_stream().contains("recordTTL: ") {
        // Without records there is nothing that has a time to live.
        desired.dns.ttl = got.dns.ttl;
        if desired.dns.external_dns.is_none() && !desired.target.has_hub() {
            // And nothing is in one cluster alone that others do not have.
            desired.dns.cluster = got.dns.cluster;
        }
    }
    // Gateways see no requests of the others.
    let seen = |one: &&shared::resolved::Service| one.is_http() && !one.is_mutual();
    let http = || desired.services.iter().filter(seen);
    if http().next().is_none() {
        // Without requests there is nothing to mark.
        desired.answer_header = got.answer_header;
    }
    let redirected = |one: &shared::resolved::Service| {
        let clusters = one.clusters.iter();
        let mut ports = clusters.map(|&cluster| desired.clusters[cluster].gateway.port);
        one.ports.iter().any(|port| port.published == 80) && ports.any(|port| port == 443)
    };
    let redirected = http().any(redirected);
    if let (Some(desired), Some(got)) = (&mut desired.tls, &got.tls)
        && !redirected
    {
        // There is a redirect only to where gateways listen as usual.
        desired.redirect = got.redirect;
    }
}

/// Whether an object of a cluster has the host of a Service there; an SNI is that of a Service anywhere.
fn names_a_service(index: usize, resolved: &Resolved) -> bool {
    let ending = format!(".svc.{}", resolved.clusters[index].cluster_domain);
    let objects = render(resolved).into_iter();
    objects
        .filter_map(|placed| placed.in_cluster(index))
        .any(|object| {
            let text = object.to_json().to_string();
            let mut texts = text.split('"');
            texts.any(|text| text.ends_with(&ending) && !text.starts_with("outbound_"))
        })
}

/// What nothing says of a cluster.
fn of_cluster(index: usize, desired: &mut Resolved, got: &mut Resolved) {
    if !names_a_service(index, desired) {
        let domain = &desired.clusters[index].cluster_domain;
        got.clusters[index].cluster_domain.clone_from(domain);
    }
    let published_by_us = !shared::render::controller_publishes(desired);
    let here = |one: &&shared::resolved::Service| one.clusters.contains(&index);
    let services = || desired.services.iter().filter(here);
    let serves = services().next().is_some();
    let at_gateway = services().any(|one| !one.is_mutual());
    let at_east_west = services().any(shared::resolved::Service::is_mutual);
    let is_known = services().any(|one| one.is_mutual() && one.service_account.is_some());
    let has_usual = services().filter(|one| !one.is_mutual()).any(|one| {
        one.ports
            .iter()
            .any(|port| port.protocol.is_http() && port.published == 80)
    });
    let outside = |one: &shared::resolved::ExternalHost| {
        one.by_egress_gateway && one.clusters.contains(&index)
    };
    let leads_out = desired.external.iter().any(outside);
    let zone = |one: &shared::resolved::Cluster| (one.region.clone(), one.zones.clone());
    let here = zone(&desired.clusters[index]);
    let of_zone = desired.clusters.iter().filter(|one| zone(one) == here);
    let alone = of_zone.count() == 1;
    let is_of_names = desired.endpoints == Endpoints::Names;
    let (desired, got) = (&mut desired.clusters[index], &mut got.clusters[index]);
    if !serves {
        (got.region, got.zones) = (desired.region.clone(), desired.zones.clone());
    }
    if !is_known {
        // Whose certificates callers take is said where they are to look at it.
        got.trust_domain.clone_from(&desired.trust_domain);
    }
    if !has_usual {
        // Its port is that of what is published on 80.
        got.gateway.port = desired.gateway.port;
    }
    if !leads_out {
        // Nothing is led through it.
        desired.egress_gateway = None;
    }
    for (desired, got, serves) in [
        (&mut desired.gateway, &mut got.gateway, at_gateway),
        (
            &mut desired.east_west_gateway,
            &mut got.east_west_gateway,
            at_east_west,
        ),
    ] {
        if !serves {
            // Nobody calls a gateway behind which there is no service; see docs/import.md.
            got.clone_from(desired);
        }
        // Records have the addresses of all clusters of a zone together; and the federation's controller
        // looks addresses up itself.
        if !alone || !published_by_us {
            got.addresses.clone_from(&desired.addresses);
        }
        if let Some(addresses) = &mut desired.addresses {
            addresses.sort();
        }
        if is_of_names {
            // Entries have the gateway's name in its place.
            got.cluster_ip = desired.cluster_ip;
        }
    }
}

/// Of plain TCP only the global name has an entry; others are in its records, if it has any. Where they fall back to is in no
/// object.
fn of_plain_tcp(names: &mut Vec<PublishedName>, written: &str) {
    names.retain(|name| written.contains(name.host.as_str()));
    for name in names {
        name.falls_back_to = None;
    }
}
