//! `kubefed-v1alpha1`: federation-v2 v0.0.4. Everything goes to the host cluster: for each object a
//! template, a placement and, where clusters differ, an override; for each kind what
//! `kubefed2 federate enable` would have created, so that the tool itself is not needed.
//!
//! Overrides have dotted paths and stand under `clusterOverrides`; the field names are those of
//! federation-v2 v0.0.4, `pkg/apis/core/v1alpha1` and `pkg/controller/util/overrides.go`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Delivered;
use crate::object::{Kind, Object, Scope, Wave};
use crate::ownership;
use crate::placed::Placed;
use crate::published::Level;
use crate::render::dns_endpoint::controller_publishes;
use crate::resolved::Resolved;

const PRIMITIVES: &str = "primitives.federation.k8s.io";
/// Where the federation's own objects are.
const SYSTEM_NAMESPACE: &str = "federation-system";
/// What `federate enable` compares by, unless told otherwise.
const COMPARISON_FIELD: &str = "ResourceVersion";

pub(super) fn deliver(resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
    if cluster != resolved.dns.cluster {
        return Vec::new();
    }
    let mut delivered = Vec::new();
    let mut kinds: BTreeSet<&Kind> = BTreeSet::new();
    // In which clusters a namespace has to be for the objects in it to arrive.
    let mut namespaces: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();

    for one in placed {
        if one.stays_on_hub {
            delivered.push(Delivered {
                subject: one.subject.clone(),
                object: one.template.clone(),
            });
            continue;
        }
        if one.template.kind == Kind::NAMESPACE {
            // The host's own namespace is the template, federation-v2's placement spreads it.
            delivered.push(Delivered {
                subject: one.subject.clone(),
                object: one.template.clone(),
            });
            namespaces
                .entry(&one.template.name)
                .or_default()
                .extend(&one.clusters);
            continue;
        }
        kinds.insert(&one.template.kind);
        namespaces
            .entry(one.template.namespace.as_deref().unwrap_or_default())
            .or_default()
            .extend(&one.clusters);
        delivered.extend(
            federated(resolved, one)
                .into_iter()
                .map(|object| Delivered {
                    subject: one.subject.clone(),
                    object,
                }),
        );
    }
    for (namespace, clusters) in namespaces {
        let object = Object::new(
            Kinds::namespace_placement(),
            Some(namespace),
            namespace,
            json!({ "spec": { "clusterNames": names(resolved, clusters) } }),
        );
        delivered.push(Delivered {
            subject: "namespaces".into(),
            object: ownership::label(object, resolved),
        });
    }
    for kind in kinds {
        delivered.extend(enable(kind).into_iter().map(|object| Delivered {
            subject: format!("enable-{}", kind.kind.to_ascii_lowercase()),
            object: ownership::label(object, resolved),
        }));
    }
    delivered.extend(enable_namespaces().into_iter().map(|object| Delivered {
        subject: "enable-namespace".into(),
        object: ownership::label(object, resolved),
    }));
    delivered.extend(records(resolved).into_iter().map(|object| Delivered {
        subject: "records".into(),
        object: ownership::label(object, resolved),
    }));
    delivered
}

fn names(resolved: &Resolved, clusters: impl IntoIterator<Item = usize>) -> Vec<&str> {
    clusters
        .into_iter()
        .map(|index| resolved.clusters[index].name.as_str())
        .collect()
}

/// Template, placement and, where clusters differ, override of one object.
fn federated(resolved: &Resolved, placed: &Placed) -> Vec<Object> {
    let template = &placed.template;
    let kinds = Kinds::of(&template.kind);
    let object = |kind: Kind, spec: Value| {
        let mut object = Object::new(
            kind,
            template.namespace.as_deref(),
            template.name.as_str(),
            json!({ "spec": spec }),
        );
        object.labels.clone_from(&template.labels);
        object
    };
    // The controller takes name and namespace from the template object, everything else from here.
    let mut inner = Map::new();
    if !template.labels.is_empty() {
        inner.insert("metadata".into(), json!({ "labels": template.labels }));
    }
    inner.extend(template.body.clone());

    let mut objects = vec![
        object(kinds.template, json!({ "template": inner })),
        object(
            kinds.placement,
            json!({ "clusterNames": names(resolved, placed.clusters.iter().copied()) }),
        ),
    ];
    if !placed.differences.is_empty() {
        let overrides: Vec<Value> = placed
            .differences
            .iter()
            .map(|(&cluster, differences)| {
                let changes: Vec<Value> = differences
                    .iter()
                    .map(|difference| json!({ "path": difference.path.join("."), "value": difference.value }))
                    .collect();
                json!({ "clusterName": resolved.clusters[cluster].name.as_str(), "clusterOverrides": changes })
            })
            .collect();
        objects.push(object(kinds.r#override, json!({ "overrides": overrides })));
    }
    objects
}

/// The three kinds that stand for one.
struct Kinds {
    template: Kind,
    placement: Kind,
    r#override: Kind,
}

impl Kinds {
    fn of(kind: &Kind) -> Self {
        let federated = |suffix: &str| {
            let name = format!("Federated{}{suffix}", kind.kind);
            Kind {
                group: Cow::Borrowed(PRIMITIVES),
                version: Cow::Borrowed("v1alpha1"),
                plural: plural(&name).into(),
                kind: name.into(),
                scope: Scope::Namespaced,
                wave: Wave::Istio,
            }
        };
        Self {
            template: federated(""),
            placement: federated("Placement"),
            r#override: federated("Override"),
        }
    }

    fn namespace_placement() -> Kind {
        Kind {
            wave: Wave::Services,
            ..Self::of(&Kind::NAMESPACE).placement
        }
    }
}

/// federation-v2's plural of a kind, which knows no exceptions: a gateway becomes `gatewaies`.
fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    if let Some(stem) = lower.strip_suffix('y') {
        format!("{stem}ies")
    } else if ["s", "x", "z", "o", "ch", "sh"]
        .iter()
        .any(|end| lower.ends_with(end))
    {
        format!("{lower}es")
    } else {
        format!("{lower}s")
    }
}

/// What `kubefed2 federate enable <kind>` creates: three definitions and a type configuration.
fn enable(kind: &Kind) -> Vec<Object> {
    let kinds = Kinds::of(kind);
    vec![
        definition(&kinds.template, &template_schema()),
        definition(&kinds.placement, &placement_schema()),
        definition(&kinds.r#override, &override_schema()),
        type_config(
            kind,
            &json!({
                "comparisonField": COMPARISON_FIELD,
                "namespaced": true,
                "override": api_resource(&kinds.r#override),
                "placement": api_resource(&kinds.placement),
                "propagationEnabled": true,
                "target": api_resource(kind),
                "template": api_resource(&kinds.template),
            }),
        ),
    ]
}

/// Namespaces are their own templates; only their placement is a kind of the federation.
fn enable_namespaces() -> Vec<Object> {
    let placement = Kinds::of(&Kind::NAMESPACE).placement;
    vec![
        definition(&placement, &placement_schema()),
        type_config(
            &Kind::NAMESPACE,
            &json!({
                "comparisonField": COMPARISON_FIELD,
                "namespaced": false,
                "placement": api_resource(&placement),
                "propagationEnabled": true,
                "target": api_resource(&Kind::NAMESPACE),
                "template": api_resource(&Kind::NAMESPACE),
            }),
        ),
    ]
}

fn api_resource(kind: &Kind) -> Value {
    let mut resource = Map::new();
    if !kind.group.is_empty() {
        resource.insert("group".into(), kind.group.to_string().into());
    }
    resource.insert("kind".into(), kind.kind.to_string().into());
    resource.insert("pluralName".into(), kind.plural.to_string().into());
    resource.insert("version".into(), kind.version.to_string().into());
    Value::Object(resource)
}

/// A FederatedTypeConfig, which is named for the target as a definition is: `plural.group`.
fn type_config(target: &Kind, spec: &Value) -> Object {
    let kind = Kind {
        group: Cow::Borrowed("core.federation.k8s.io"),
        version: Cow::Borrowed("v1alpha1"),
        kind: Cow::Borrowed("FederatedTypeConfig"),
        plural: Cow::Borrowed("federatedtypeconfigs"),
        scope: Scope::Namespaced,
        wave: Wave::Accounts,
    };
    let name = if target.group.is_empty() {
        target.plural.to_string()
    } else {
        format!("{}.{}", target.plural, target.group)
    };
    Object::new(kind, Some(SYSTEM_NAMESPACE), name, json!({ "spec": spec }))
}

fn definition(kind: &Kind, spec_schema: &Value) -> Object {
    let mut definition = Object::new(
        Kind::CUSTOM_RESOURCE_DEFINITION,
        None,
        format!("{}.{}", kind.plural, kind.group),
        json!({
            "spec": {
                "group": kind.group,
                "names": {
                    "kind": kind.kind,
                    "listKind": format!("{}List", kind.kind),
                    "plural": kind.plural,
                    "singular": kind.kind.to_ascii_lowercase(),
                },
                "scope": "Namespaced",
                "versions": [{
                    "name": kind.version,
                    "served": true,
                    "storage": true,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": spec_schema,
                                "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                            },
                        },
                    },
                }],
            },
        }),
    );
    // Without a word on who approved them, API servers refuse definitions in groups below k8s.io.
    definition.annotations.insert(
        "api-approved.kubernetes.io".to_owned(),
        "unapproved, federation-v2 is older than the approval".to_owned(),
    );
    definition
}

/// Any object may be a template, so its fields are not looked into.
fn template_schema() -> Value {
    json!({
        "type": "object",
        "properties": { "template": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
    })
}

fn placement_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "clusterNames": { "type": "array", "items": { "type": "string" } },
            "clusterSelector": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        },
    })
}

fn override_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "overrides": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["clusterName"],
                    "properties": {
                        "clusterName": { "type": "string" },
                        "clusterOverrides": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["path"],
                                "properties": {
                                    "path": { "type": "string" },
                                    "value": { "x-kubernetes-preserve-unknown-fields": true },
                                },
                            },
                        },
                    },
                },
            },
        },
    })
}

/// Domain and `ServiceDNSRecord`, from which the federation's controller publishes the gateway's names.
fn records(resolved: &Resolved) -> Vec<Object> {
    if !controller_publishes(resolved) || resolved.services.is_empty() {
        return Vec::new();
    }
    let kind = |kind: &'static str, plural: &'static str| Kind {
        group: Cow::Borrowed("multiclusterdns.federation.k8s.io"),
        version: Cow::Borrowed("v1alpha1"),
        kind: Cow::Borrowed(kind),
        plural: Cow::Borrowed(plural),
        scope: Scope::Namespaced,
        wave: Wave::Dns,
    };
    let federation = resolved.dns.federation.as_str();
    let domain = Object::new(
        kind("Domain", "domains"),
        Some(SYSTEM_NAMESPACE),
        federation,
        // A field of its own, beside `spec`.
        json!({ "domain": resolved.dns.suffix.as_str() }),
    );
    let gateway = &resolved.clusters[resolved.dns.cluster].gateway;
    let suffix = format!(".{}", resolved.dns.suffix);
    let vanity = resolved.services[0]
        .names
        .iter()
        .find(|name| name.level == Level::Vanity)
        .and_then(|name| name.host.as_str().strip_suffix(&suffix));
    let mut spec = json!({ "domainRef": federation, "recordTTL": resolved.dns.ttl });
    if let (Some(prefix), Value::Object(spec)) = (vanity, &mut spec) {
        spec.insert("dnsPrefix".into(), prefix.into());
    }
    let record = Object::new(
        kind("ServiceDNSRecord", "servicednsrecords"),
        Some(gateway.namespace.as_str()),
        gateway.service.as_str(),
        json!({ "spec": spec }),
    );
    vec![domain, record]
}

#[cfg(test)]
mod tests {
    #[test]
    fn plurals_are_those_of_federation_v2() {
        for (kind, plural) in [
            ("FederatedGateway", "federatedgatewaies"),
            ("FederatedServiceEntry", "federatedserviceentries"),
            (
                "FederatedServiceEntryOverride",
                "federatedserviceentryoverrides",
            ),
            (
                "FederatedVirtualServicePlacement",
                "federatedvirtualserviceplacements",
            ),
        ] {
            assert_eq!(super::plural(kind), plural);
        }
    }
}
