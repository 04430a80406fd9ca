//! Comparison of the given manifests with those of the document: objects without a counterpart, and fields that differ.
//! Additional objects of the document are not a loss.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::ImportError;
use super::comparable;
use super::dns::is_external_dns;
use super::names::{self, Names, as_name};
use super::services::{destination, is_at_gateway, local};
use super::world::{self, World};
use crate::check::{Findings, Severity, code};
use crate::engine::{self, Content, File};
use crate::kubernetes::object;
use crate::manifests::{Given, Object, Patch, list, texts};
use crate::render::{WIDE, render};
use crate::resolved::{Resolved, local_host};
use crate::text::credential::{self, LEFT_OUT};

/// The hint for a credential.
pub(super) const TO_A_SECRET: &str =
    "add it to a Secret; ExternalDNS reads its credentials from the Secret in `externalDns.secret`";

/// Longest value that a finding quotes, in characters.
const QUOTED: usize = 120;

pub(super) fn compare(
    world: &World,
    names: &Names,
    resolved: &Resolved,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    // The manifests of the document's engine, parsed like the given ones.
    let rendered = world::spread(given_by(resolved), &mut Findings::default())?;
    let rendered_by_cluster = rendered.by_cluster();
    // The same object in several clusters is reported once.
    let mut reported = BTreeSet::new();
    for (name, given) in world.clusters.iter().zip(world.by_cluster()) {
        let index = rendered.clusters.iter().position(|cluster| cluster == name);
        let rendered = index.map(|index| rendered_by_cluster[index].as_slice());
        let rendered = rendered.unwrap_or_default();
        let by_id: BTreeMap<Id, &Object> = rendered.iter().map(|&one| (id(one), one)).collect();
        for object in given {
            let same = by_id.get(&id(object)).copied();
            let counterpart = same.or_else(|| stand_in(object, rendered, names));
            let mut found = Findings::default();
            one(object, counterpart, names, &mut found);
            for finding in found.0 {
                if reported.insert((finding.path.clone(), finding.message.clone())) {
                    findings.0.push(finding);
                }
            }
        }
    }
    Ok(())
}

/// The manifests of a document.
fn given_by(resolved: &Resolved) -> Given {
    let placed = render(resolved);
    let mut given = Given::default();
    let clusters = 0..resolved.clusters.len();
    if !resolved.target.is_applied_by_others() {
        for index in clusters {
            let cluster = &resolved.clusters[index].name;
            let delivered = engine::deliver(resolved, &placed, index);
            given.objects.extend(delivered.into_iter().map(|one| {
                let value = one.object.to_json();
                Object::new(String::new(), Some(cluster.to_string()), value)
            }));
        }
        return given;
    }
    let mut parts = engine::of(resolved.target).common_files(resolved, &placed);
    parts.extend(clusters.flat_map(|index| engine::files(resolved, &placed, index)));
    for File { path, content } in parts {
        let values = match content {
            Content::Objects(objects) => objects.iter().map(object::Object::to_json).collect(),
            Content::Kustomize(value) => vec![value],
        };
        for value in values {
            let file = path.clone();
            match value {
                Value::Array(operations) => given.patches.push(Patch { file, operations }),
                value => given.objects.push(Object::new(file, None, value)),
            }
        }
    }
    given
}

fn one(object: &Object, counterpart: Option<&Object>, names: &Names, findings: &mut Findings) {
    let Some(counterpart) = counterpart else {
        if is_about_published_names(object, names) {
            // Versions of fedmesh differ in the objects that names share.
            if !object.is_ours() {
                findings.warning(
                    code::REPLACED,
                    &object.place(),
                    "other objects of the document route the calls to its hosts".into(),
                    "remove it once the document is applied".into(),
                );
            }
            return;
        }
        let (severity, message, hint) = no_place(object);
        findings.add(
            severity,
            code::NO_PLACE,
            &object.place(),
            message.into(),
            hint.into(),
        );
        return;
    };
    let name = |object: &Object| (object.namespace().to_owned(), object.name().to_owned());
    if name(counterpart) != name(object) {
        findings.hint(
            code::REPLACED,
            &object.place(),
            format!(
                "`{} {}/{}` replaces it",
                counterpart.kind(),
                counterpart.namespace(),
                counterpart.name()
            ),
            "remove it once the document is applied".into(),
        );
    }
    // Its failover settings are imported into each service, and may then be in other rules.
    if object.is_ours() && object.kind() == "DestinationRule" && object.name().starts_with(WIDE) {
        return;
    }
    let mut lost = Vec::new();
    let fields = |object: &Object| {
        let mut fields = Value::Object(comparable::fields(object, names));
        // Before any value is quoted.
        credential::redact(&mut fields);
        fields
    };
    difference(&fields(object), &fields(counterpart), "", &mut lost);
    for loss in lost {
        let path = format!("{} {}", object.place(), loss.path);
        let given = quoted(&loss.given);
        if loss.given.to_string().contains(LEFT_OUT) {
            findings.warning(
                code::CREDENTIAL_LEFT_OUT,
                &path,
                format!("`{given}` has a credential, which is not imported"),
                TO_A_SECRET.into(),
            );
            continue;
        }
        let message = match &loss.instead {
            Some(instead) => format!(
                "the manifests have `{given}`, but the document renders `{}`",
                quoted(instead)
            ),
            None => format!("the document does not render `{given}`"),
        };
        // They have no effect on calls.
        let severity = if loss.path.starts_with("metadata.") {
            Severity::Hint
        } else {
            Severity::Warning
        };
        findings.add(
            severity,
            code::NOT_CARRIED,
            &path,
            message,
            advice(&loss.path).into(),
        );
    }
}

/// Whether an object is only for names that the document publishes.
fn is_about_published_names(object: &Object, names: &Names) -> bool {
    let is_of_mesh = match object.kind() {
        "ServiceEntry" | "DestinationRule" => true,
        "VirtualService" => !is_at_gateway(object),
        _ => false,
    };
    let hosts = names::hosts(object);
    let mut hosts = hosts.iter().map(|host| names.meant(host));
    is_of_mesh && hosts.len() > 0 && hosts.all(|host| names.read(&as_name(&host)).is_some())
}

/// Group, kind, namespace and name.
type Id<'a> = (&'a str, &'a str, &'a str, &'a str);

fn id(object: &Object) -> Id<'_> {
    (
        object.group(),
        object.kind(),
        object.namespace(),
        object.name(),
    )
}

/// The object with another name that replaces a given one.
fn stand_in<'a>(object: &Object, rendered: &[&'a Object], names: &Names) -> Option<&'a Object> {
    let meant = |object: &Object| -> BTreeSet<String> {
        let hosts = names::hosts(object).into_iter();
        hosts
            .map(|host| match local(&host.into(), object.namespace()) {
                Some((name, namespace)) => local_host(name, namespace),
                None => names.meant(host),
            })
            .collect()
    };
    let hosts = meant(object);
    let about = destination(object);
    rendered.iter().copied().find(|one| {
        // Old API groups of these kinds have the same objects.
        let any_group = ["DNSEndpoint", "Deployment"].contains(&one.kind());
        if one.kind() != object.kind() || !any_group && one.group() != object.group() {
            return false;
        }
        match object.kind() {
            "Gateway" => true,
            "VirtualService" if is_at_gateway(object) => {
                is_at_gateway(one) && destination(one) == about
            }
            "VirtualService" => !is_at_gateway(one) && !meant(one).is_disjoint(&hosts),
            "ServiceEntry" | "DestinationRule" | "DNSEndpoint" => !meant(one).is_disjoint(&hosts),
            "Deployment" => is_external_dns(object) && is_external_dns(one),
            _ => false,
        }
    })
}

/// Severity, reason and hint for an object without a counterpart.
fn no_place(object: &Object) -> (Severity, &'static str, &'static str) {
    let (lost, stays) = (Severity::Warning, Severity::Hint);
    match object.kind() {
        "Mesh" => (
            stays,
            "the object is a Mesh document, so nothing is imported from it",
            "use it as it is: every command reads a bundle of fedmesh with `-f`",
        ),
        "Kustomization" => (
            lost,
            "a Kustomization is a build instruction, not a manifest",
            "import the output of `kustomize build`",
        ),
        "ConfigMap" if object.namespace() == "kube-system" => (
            lost,
            "the ConfigMap would replace the whole cluster DNS configuration",
            "set `dns.nameservers` to the zone's name servers; they are merged into the cluster DNS configuration",
        ),
        "Sidecar" => (
            lost,
            "the document renders Sidecars for namespaces of callers only, named `default`",
            "apply it separately, or set `sidecars` and `callers`",
        ),
        "VirtualService" => (
            lost,
            "the VirtualService routes to no service that the document shares",
            "apply it separately, or share the service with a VirtualService at a gateway",
        ),
        "ServiceEntry" | "DestinationRule" | "DNSEndpoint" => (
            lost,
            "the document renders no such object for its hosts",
            "apply it separately",
        ),
        "RouteRule" | "DestinationPolicy" | "EgressRule" => (
            lost,
            "current versions of Istio do not have this kind",
            "use `routes`, `subsets` and `trafficPolicy` of a service",
        ),
        _ => {
            let of_meshes = [
                "istio.io",
                "gateway.networking.k8s.io",
                "multicluster.x-k8s.io",
            ];
            let matters = of_meshes
                .iter()
                .any(|group| object.group().ends_with(group));
            (
                if matters { lost } else { stays },
                "a Mesh document renders no such object",
                "apply it separately",
            )
        }
    }
}

/// The hint for a field that is not imported.
fn advice(path: &str) -> &'static str {
    let field = path.rsplit('.').next().unwrap_or_default();
    match field {
        _ if path.starts_with("metadata.") => {
            "add it to the rendered manifests, for example with Kustomize, if something needs it"
        }
        "hosts" | "dnsName" => {
            "use one of the names that `fedmesh-agent names` lists, or set `hostname` of the service"
        }
        "exportTo" => {
            "set `exportTo` or `callers` of the service if the object is of a shared service"
        }
        "image" => "set it in `images` if it is the same program with the same flags",
        "args" => "add arguments that fedmesh does not set itself to `externalDns.args`",
        "gateways" => {
            "keep it for `mesh` alone if sidecars need its routes: those of the document are for gateways"
        }
        _ if path.starts_with("spec.servers") => {
            "set `transport: tls` if gateways have certificates for all services; a document has no other settings of servers"
        }
        _ if path.starts_with("spec.http") => {
            "add an equivalent route to the service; docs/reference.md lists the fields of routes"
        }
        _ => "check that nothing needs it: a document has no field for it",
    }
}

/// A given value without a counterpart.
struct Loss {
    path: String,
    given: Value,
    instead: Option<Value>,
}

fn difference(given: &Value, rendered: &Value, path: &str, lost: &mut Vec<Loss>) {
    let missing = |given: &Value, path: &str, instead: Option<&Value>| Loss {
        path: path.to_owned(),
        given: given.clone(),
        instead: instead.cloned(),
    };
    match (given, rendered) {
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                let at = format!("{path}{dot}{name}");
                match others.get(name) {
                    Some(other) => difference(value, other, &at, lost),
                    None if says_nothing(value) => {}
                    None => lost.push(missing(value, &at, None)),
                }
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            let known: BTreeSet<&str> = texts(rendered).collect();
            let covered = |item: &Value| match item.as_str() {
                Some(text) => known.contains(text),
                None => others.iter().any(|other| {
                    let mut lost = Vec::new();
                    difference(item, other, "", &mut lost);
                    lost.is_empty()
                }),
            };
            let left: Vec<(usize, &Value)> = items
                .iter()
                .enumerate()
                // They mostly have the same order.
                .filter(|(index, item)| others.get(*index) != Some(*item) && !covered(item))
                .collect();
            if left
                .iter()
                .all(|(_, item)| !item.is_object() && !item.is_array())
            {
                let left: Vec<Value> = left.into_iter().map(|(_, item)| item.clone()).collect();
                if !left.is_empty() {
                    lost.push(missing(&left.into(), path, None));
                }
                return;
            }
            for (index, item) in left {
                let at = format!("{path}[{index}]");
                let nearest = others.iter().map(|other| {
                    let mut lost = Vec::new();
                    difference(item, other, &at, &mut lost);
                    lost
                });
                // An item without common fields is another item.
                let fields = item.as_object().map_or(1, Map::len);
                match nearest.min_by_key(Vec::len) {
                    Some(nearest) if nearest.len() < fields => lost.extend(nearest),
                    _ => lost.push(missing(item, &at, None)),
                }
            }
        }
        _ if given == rendered => {}
        _ => lost.push(missing(given, path, Some(rendered))),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn quoted(value: &Value) -> String {
    let texts: Vec<&str> = texts(value).collect();
    let text = if !texts.is_empty() && texts.len() == list(value).len() {
        texts.join(", ")
    } else {
        value.to_string()
    };
    if text.chars().count() <= QUOTED {
        return text;
    }
    let short: String = text.chars().take(QUOTED).collect();
    format!("{short}…")
}
