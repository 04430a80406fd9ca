//! Other settings of a service: subsets and policy of its pods, visibility of its names, exports, and failover.

use std::collections::BTreeSet;

use serde_json::Value;

use super::locality;
use super::names::{Names, as_name};
use super::routes::shaped;
use super::samples::Samples;
use super::services::{Found, Index, is_at_gateway};
use super::world::World;
use crate::check::is_connect_timeout;
use crate::defaults::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_PER_TRY_TIMEOUT};
use crate::istio::OLDEST_ISTIO_WITH_LOCALITY;
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Failover, Service};
use crate::passthrough::{self, IstioFields};
use crate::render::destination_rule;

/// Conditions under which a call is retried although it may have arrived (Envoy, `x-envoy-retry-on`).
const MAY_HAVE_ARRIVED: [&str; 6] = [
    "5xx",
    "gateway-error",
    "reset",
    "retriable-4xx",
    "unavailable",
    "503",
];

/// Adds the settings in other objects to the services.
pub(super) fn add(world: &World, names: &Names, samples: &Samples, services: &mut [Found]) {
    let index = Index::new(services);
    let mut with_rules = BTreeSet::new();
    let mut wide = Vec::new();
    for (cluster, object) in world.of_kind("DestinationRule") {
        let host = field(&object.value, &["spec", "host"]);
        if samples.has_rule_for(object) {
            continue;
        }
        if let Some(at) = index.local(host, object) {
            pods(object, &mut services[at].service);
        } else if let Some(at) = host.as_str().and_then(|host| index.published(host, names)) {
            with_rules.insert(at);
            failover_of(cluster, object, &mut services[at]);
        } else if let Some(host) = host.as_str()
            && names.read(&as_name(host)).is_some()
        {
            wide.push((cluster, object));
        }
    }
    // Rules for the names of many services apply to those without one.
    for (cluster, object) in wide {
        let all = services.iter_mut().enumerate();
        for (_, found) in all.filter(|(at, _)| !with_rules.contains(at)) {
            failover_of(cluster, object, found);
        }
    }
    let published = |object: &Object| {
        let mut hosts = texts(field(&object.value, &["spec", "hosts"]));
        hosts.find_map(|host| index.published(host, names))
    };
    for (_, object) in world.of_kind("VirtualService") {
        if !is_at_gateway(object)
            && let Some(at) = published(object)
        {
            retries(object, &mut services[at].service);
        }
    }
    for (_, object) in world.of_kind("ServiceExport") {
        if let Some(at) = index.named(object.name(), object.namespace()) {
            services[at].service.mcs = Some(true);
        }
    }
    for (_, object) in world.of_kind("ServiceEntry") {
        if let Some(at) = published(object) {
            let service = &mut services[at].service;
            if service.export_to.is_empty() {
                let namespaces = texts(field(&object.value, &["spec", "exportTo"]));
                // `*` stands for all, which is the default.
                let namespaces = namespaces.filter(|namespace| *namespace != "*");
                service.export_to = namespaces.map(str::to_owned).collect();
            }
        }
    }
}

fn failover_of(cluster: usize, object: &Object, found: &mut Found) {
    ejection(object, &mut found.service);
    connecting(object, &mut found.service);
    locality::add(cluster, object, &mut found.locality);
}

fn pods(object: &Object, service: &mut Service) {
    if service.subsets.is_empty() {
        let subsets = list(field(&object.value, &["spec", "subsets"])).iter();
        service.subsets = subsets
            .filter_map(|subset| shaped(subset, passthrough::subset()))
            .collect();
    }
    if service.traffic_policy.is_none() {
        let policy = field(&object.value, &["spec", "trafficPolicy"]);
        service.traffic_policy = shaped(policy, passthrough::traffic_policy());
    }
}

/// The connect timeout, unless it is the default, as in manifests of versions with another default.
fn connecting(object: &Object, service: &mut Service) {
    let path = "/spec/trafficPolicy/connectionPool/tcp/connectTimeout";
    let given = object.value.pointer(path).and_then(Value::as_str);
    let other = given.filter(|text| *text != DEFAULT_CONNECT_TIMEOUT && is_connect_timeout(text));
    if let Some(text) = other {
        let failover = failover(service);
        failover.connect_timeout.get_or_insert(text.to_owned());
    }
}

/// The overrides of fedmesh's own settings.
fn ejection(object: &Object, service: &mut Service) {
    let path = ["spec", "trafficPolicy", "outlierDetection"];
    let own =
        destination_rule::failover_policy(OLDEST_ISTIO_WITH_LOCALITY, DEFAULT_CONNECT_TIMEOUT);
    let own = field(&own, &path[2..]);
    let given = shaped(
        field(&object.value, &path),
        passthrough::outlier_detection(),
    )
    .unwrap_or_default();
    let others: IstioFields = given
        .into_iter()
        .filter(|(name, value)| own[name.as_str()] != *value)
        .collect();
    if !others.is_empty() {
        failover(service).outlier_detection.get_or_insert(others);
    }
}

fn retries(object: &Object, service: &mut Service) {
    let routes = list(field(&object.value, &["spec", "http"])).iter();
    for retries in routes.map(|route| &route["retries"]) {
        // Without conditions, as always in Istio 1.0, calls that have arrived are retried too.
        let on = match retries["retryOn"].as_str() {
            None if retries["attempts"].as_u64() > Some(0) => MAY_HAVE_ARRIVED[0],
            on => on.unwrap_or_default(),
        };
        if !on
            .split(',')
            .any(|one| MAY_HAVE_ARRIVED.contains(&one.trim()))
        {
            continue;
        }
        let failover = failover(service);
        failover.retry = Some(true);
        let timeout = retries["perTryTimeout"].as_str();
        failover.per_try_timeout = timeout
            .filter(|timeout| *timeout != DEFAULT_PER_TRY_TIMEOUT)
            .map(str::to_owned);
    }
}

fn failover(service: &mut Service) -> &mut Failover {
    service.failover.get_or_insert_default()
}
