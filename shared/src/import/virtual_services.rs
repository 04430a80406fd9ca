//! VirtualServices of other tools as gateways see them: with the routes of delegates, and without those that only
//! sidecars take.

use serde_json::Value;

use super::delegates;
use super::external;
use super::gateways::{self, gateway_of, selector};
use super::services::local;
use super::world::World;
use crate::check::Findings;
use crate::manifests::{Object, TooManyCopies, field, list, texts};
use crate::resolved::local_host;

/// The fields with routes.
pub(super) const SECTIONS: [&str; 3] = ["http", "tls", "tcp"];

/// Merges delegates, and sets the routes that gateways take.
///
/// # Errors
/// The copies of delegates' routes exceed the limit.
pub(super) fn prepare(world: &mut World, findings: &mut Findings) -> Result<(), TooManyCopies> {
    delegates::merge(world, findings)?;
    let others = world.all().enumerate().filter(|(_, (_, object))| {
        object.is("VirtualService") && !object.is_ours() && has_gateway(object)
    });
    let taken: Vec<(usize, Value)> = others
        .filter(|(_, (cluster, object))| !is_egress(world, *cluster, object))
        .filter_map(|(index, (_, object))| Some((index, at_gateways(object)?)))
        .collect();
    for (index, spec) in taken {
        world.objects[index].at_gateways = Some(spec);
    }
    Ok(())
}

fn has_gateway(object: &Object) -> bool {
    let mut gateways = texts(field(&object.value, &["spec", "gateways"]));
    gateways.any(|gateway| gateway != "mesh")
}

/// `spec` without the routes that only sidecars take; `None` if there are none.
fn at_gateways(object: &Object) -> Option<Value> {
    let mut spec = object.value["spec"].clone();
    let mut is_other = false;
    for section in SECTIONS {
        let Some(Value::Array(routes)) = spec.get_mut(section) else {
            continue;
        };
        routes.retain_mut(|route| {
            let Some(Value::Array(matches)) = route.get_mut("match") else {
                return true;
            };
            let before = matches.len();
            matches.retain(|one| !is_of_sidecars(one));
            is_other |= matches.len() < before;
            let is_taken = !matches.is_empty() || before == 0;
            is_other |= without_gateways(route, |_| true);
            is_taken
        });
    }
    is_other.then_some(spec)
}

/// Removes the lists of gateways that satisfy a condition from a route's matches. Returns whether there were any.
pub(super) fn without_gateways(route: &mut Value, which: impl Fn(&Value) -> bool) -> bool {
    let Some(Value::Array(matches)) = route.get_mut("match") else {
        return false;
    };
    let mut takes_all = false;
    let mut found = false;
    for one in matches.iter_mut().filter_map(Value::as_object_mut) {
        if one.get("gateways").is_some_and(&which) {
            one.shift_remove("gateways");
            found = true;
            takes_all |= one.is_empty();
        }
    }
    if takes_all && let Value::Object(fields) = route {
        fields.shift_remove("match");
    }
    found
}

/// Whether no gateway takes the requests of a match (`sourceMatchHTTP` in Istio's
/// `pilot/pkg/networking/core/route/route.go`): sources are workloads with sidecars.
fn is_of_sidecars(one: &Value) -> bool {
    let mut gateways = texts(&one["gateways"]).peekable();
    if gateways.peek().is_some() {
        return gateways.all(|gateway| gateway == "mesh");
    }
    let labels = one["sourceLabels"].as_object();
    let namespace = one["sourceNamespace"].as_str();
    labels.is_some_and(|labels| !labels.is_empty())
        || namespace.is_some_and(|namespace| !namespace.is_empty())
}

/// Whether calls of sidecars are routed to the Service of the Gateway, and at the gateway to elsewhere. Services for
/// which sidecars and gateways have routes of their own look alike.
fn is_egress(world: &World, cluster: usize, object: &Object) -> bool {
    if !external::is_egress(object) {
        return false;
    }
    let routes = SECTIONS
        .into_iter()
        .flat_map(|section| object.routes(section));
    let (of_sidecars, of_gateways): (Vec<&Value>, Vec<&Value>) = routes.partition(|route| {
        let matches = list(&route["match"]);
        !matches.is_empty() && matches.iter().all(is_of_sidecars)
    });
    let destinations = |routes: Vec<&Value>| -> Vec<String> {
        let all = routes.into_iter().flat_map(|route| list(&route["route"]));
        all.filter_map(|one| full(&one["destination"]["host"], object))
            .collect()
    };
    let (to, from) = (destinations(of_sidecars), destinations(of_gateways));
    let Some(((name, of), host)) = to.iter().find_map(|host| {
        let service = local(&host.as_str().into(), object)?;
        Some((service, host))
    }) else {
        return false;
    };
    if from.is_empty() || from.contains(host) {
        return false;
    }
    let gateway = gateway_of(world, cluster, object);
    let mut services = world.of_kind("Service");
    let service =
        services.find(|(at, one)| *at == cluster && (one.name(), one.namespace()) == (&name, &of));
    if let (Some(gateway), Some((_, service))) = (gateway, service) {
        return gateways::leads_to(service, gateway);
    }
    let mut references = texts(field(&object.value, &["spec", "gateways"]));
    let labels = gateway.map(|gateway| selector(&gateway.value["spec"]));
    let is_named_alike = references.any(|one| one.rsplit('/').next() == Some(name.as_str()))
        || labels.is_some_and(|labels| labels.values().any(|value| name.contains(value.as_str())));
    let mut hosts = texts(field(&object.value, &["spec", "hosts"]));
    let is_outside = |host: &String| local(&host.as_str().into(), object).is_none();
    is_named_alike
        || from.iter().any(is_outside)
        || hosts.all(|host| full(&host.into(), object).is_some_and(|host| from.contains(&host)))
}

/// A host, that of a Service in full.
fn full(host: &Value, object: &Object) -> Option<String> {
    match local(host, object) {
        Some((name, namespace)) => Some(local_host(name, namespace, &object.domain)),
        None => host.as_str().map(str::to_owned),
    }
}
