//! Rules about `spec.services`.

use std::collections::BTreeMap;

use super::chosen::{Chosen, NoCluster};
use super::overrides::Usual;
use super::{
    Findings, admission, callers, code, failover, fields, levels, locality, mtls, overrides, ports,
    routes,
};
use crate::defaults;
use crate::mesh::{self, Naming, Spec};
use crate::name::{HOST_NAME_MAX, NameError};
use crate::passthrough::{self, IstioFields};
use crate::resolved::published;
use crate::resolved::{Cluster, Dns, Service};

pub(super) fn check(
    spec: &Spec,
    dns: Option<&Dns>,
    clusters: Option<&[Cluster]>,
    findings: &mut Findings,
) -> Option<Vec<Service>> {
    if spec.services.is_empty() {
        findings.hint(
            code::NO_SERVICE,
            "spec.services",
            "no service is shared".into(),
            "add the services that other clusters may call".into(),
        );
    }
    duplicates(spec, findings);
    if spec.dns.naming == Some(Naming::Gateway) && spec.services.len() > 1 {
        findings.error(
            code::GATEWAY_NAMING_SERVICES,
            "spec.dns.naming",
            format!(
                "`naming: gateway` gives the {} services the same names",
                spec.services.len()
            ),
            "use `naming: service`, or share one service".into(),
        );
        return None;
    }
    let for_all = clusters.and_then(|clusters| {
        let has_own = |one: &mesh::Service| {
            one.locality
                .as_ref()
                .is_some_and(|own| !own.distribute.is_empty())
        };
        let has_others = spec.services.iter().any(has_own);
        locality::check(
            "spec.locality",
            spec.locality.as_ref(),
            has_others,
            clusters,
            findings,
        )
    });
    let resolved: Vec<Option<Service>> = spec
        .services
        .iter()
        .enumerate()
        .map(|(index, service)| {
            one(
                (index, service),
                spec,
                dns,
                clusters,
                for_all.as_ref(),
                findings,
            )
        })
        .collect();
    let resolved: Vec<Service> = resolved.into_iter().collect::<Option<_>>()?;
    names_once(&resolved, findings);
    ports::across(&resolved, spec, clusters?, findings);
    overrides::across(&resolved, spec, clusters?, findings);
    locality::report_for_all(spec, &for_all?, &resolved, clusters?, findings);
    Some(resolved)
}

fn one(
    (index, service): (usize, &mesh::Service),
    spec: &Spec,
    dns: Option<&Dns>,
    clusters: Option<&[Cluster]>,
    for_all: Option<&locality::Rules>,
    findings: &mut Findings,
) -> Option<Service> {
    let at = |field: &str| format!("spec.services[{index}].{field}");
    let name = findings.label(&at("name"), &service.name, "the service");
    let namespace = findings.label(
        &at("namespace"),
        service
            .namespace
            .as_deref()
            .unwrap_or(defaults::DEFAULT_NAMESPACE),
        "the service's namespace",
    );
    let ports = ports::of_service(index, service, findings);
    let hostname = service.hostname.as_ref();
    let hostname = hostname.map(|text| findings.label(&at("hostname"), text, "the host"));
    let hostname = hostname.map_or(Some(None), |label| label.map(Some))?;
    let serving = serving(index, service, spec, findings);
    let routes = routes::routes(&at("routes"), service, findings);
    let subsets = routes::subsets(&at("subsets"), &service.subsets, findings);
    let traffic_policy = policy(&at("trafficPolicy"), service, findings);
    let export_to = export_to(&at("exportTo"), &service.export_to, findings);
    let several = serving.as_ref().is_some_and(|serving| serving.len() > 1);
    let is_http = ports
        .as_ref()
        .is_none_or(|ports| ports.iter().any(|port| port.protocol.is_http()));
    if !is_http {
        ports::http_only(index, service, findings);
    }
    let retry = failover::retry(
        &at("failover"),
        service.failover.as_ref(),
        several && is_http,
        findings,
    );
    let failover = service.failover.as_ref();
    let at_timeout = at("failover.connectTimeout");
    let connect_timeout = failover::connect_timeout(&at_timeout, failover, findings);
    let at_detection = at("failover.outlierDetection");
    let outlier_detection = failover::outlier_detection(&at_detection, failover, findings);
    let own = clusters.and_then(|clusters| {
        locality::check(
            &at("locality"),
            service.locality.as_ref(),
            false,
            clusters,
            findings,
        )
    });
    let transport = spec.transport_of(service);
    let callers = callers::of_service(index, service, spec, findings);
    let service_account = mtls::of_service(index, service, transport, findings);
    let probe = failover::probe(&at("probe"), service, routes.as_deref(), findings);

    let (name, namespace, ports, serving) = (name?, namespace?, ports?, serving?);
    let usual = Usual {
        name: &name,
        namespace: &namespace,
        ports: &ports,
        clusters: &serving,
    };
    let overrides =
        overrides::of_service(&at("overrides"), &service.overrides, &usual, spec, findings);
    let names = published::names(
        dns?,
        (&name, &namespace),
        hostname.as_ref(),
        &levels::of_service(spec, service),
        &serving,
        clusters?,
    );
    let names = short(&at("name"), names, findings)?;
    let locality = locality::of_service(
        &at("locality"),
        &own?,
        for_all?,
        &serving,
        clusters?,
        findings,
    );
    Some(Service {
        name,
        namespace,
        ports,
        clusters: serving,
        overrides: overrides?,
        locality,
        routes: routes?,
        subsets: subsets?,
        traffic_policy: traffic_policy?,
        export_to: export_to?,
        callers: callers?,
        selector: service.selector.clone(),
        mcs: service.mcs.or(spec.mcs).unwrap_or_default(),
        transport,
        service_account: service_account?,
        retry: retry?,
        connect_timeout: connect_timeout?,
        outlier_detection: outlier_detection?,
        probe: probe?,
        names,
    })
}

/// The names, unless one is too long.
fn short<T>(
    path: &str,
    names: Result<T, (String, NameError)>,
    findings: &mut Findings,
) -> Option<T> {
    names
        .map_err(|(host, _)| {
            findings.error(
                code::NAME_TOO_LONG,
                path,
                format!(
                    "name `{host}` is {} characters long (at most {HOST_NAME_MAX})",
                    host.len()
                ),
                "shorten the service, the namespace or the suffix".into(),
            );
        })
        .ok()
}

/// The traffic policy of the service's pods in Istio's form; empty if unset.
fn policy(path: &str, service: &mesh::Service, findings: &mut Findings) -> Option<IstioFields> {
    let Some(given) = &service.traffic_policy else {
        return Some(IstioFields::new());
    };
    let good = fields::check(passthrough::traffic_policy(), given, path, findings)
        && admission::traffic_policy(path, given, findings);
    good.then(|| given.clone())
}

fn export_to(path: &str, given: &[String], findings: &mut Findings) -> Option<Vec<String>> {
    let mut good = true;
    for (index, namespace) in given.iter().enumerate() {
        let at = format!("{path}[{index}]");
        good &= findings.label(&at, namespace, "the namespace").is_some();
        if given[..index].contains(namespace) {
            good = false;
            findings.error(
                code::DUPLICATE,
                &at,
                format!("namespace `{namespace}` is listed twice"),
                "list each namespace once".into(),
            );
        }
    }
    good.then(|| given.to_vec())
}

/// Indices of the clusters that run the service.
fn serving(
    index: usize,
    service: &mesh::Service,
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let path = &format!("spec.services[{index}]");
    let chosen = Chosen {
        path,
        clusters: service.clusters.as_deref(),
        selector: &service.cluster_selector,
    };
    let none = NoCluster {
        code: code::SERVED_NOWHERE,
        message: "the service runs in no cluster",
        hint: "list the clusters that run it, or remove the field for all clusters",
        labels_hint: "add these labels to the clusters that run it, in `spec.clusters[].labels`",
    };
    chosen.find_or_all(&none, spec, findings)
}

fn duplicates(spec: &Spec, findings: &mut Findings) {
    let mut ids = BTreeMap::new();
    for (index, service) in spec.services.iter().enumerate() {
        let id = (
            service
                .namespace
                .as_deref()
                .unwrap_or(defaults::DEFAULT_NAMESPACE),
            service.name.as_str(),
        );
        if service.name.is_empty() {
            continue;
        }
        if let Some(first) = ids.insert(id, index) {
            findings.error(
                code::DUPLICATE,
                &format!("spec.services[{index}].name"),
                format!(
                    "service `{}.{}` is already `spec.services[{first}]`",
                    id.1, id.0
                ),
                "list each service once".into(),
            );
        }
    }
}

fn names_once(services: &[Service], findings: &mut Findings) {
    let mut hosts = BTreeMap::new();
    for (index, service) in services.iter().enumerate() {
        for name in &service.names {
            let Some(first) = hosts
                .insert(&name.host, index)
                .filter(|first| *first != index)
            else {
                continue;
            };
            // Another rule reports duplicate services.
            if services[first].id() != service.id() {
                let field = if name.level == published::Level::Vanity {
                    "hostname"
                } else {
                    "name"
                };
                findings.error(
                    code::NAME_TWICE,
                    &format!("spec.services[{index}].{field}"),
                    format!(
                        "name `{}` is also published for service `{}`",
                        name.host,
                        services[first].id()
                    ),
                    "set a different `hostname` for each service".into(),
                );
            }
        }
    }
}
