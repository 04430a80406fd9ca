//! `kubefed-v1alpha1`: federation-v2 v0.0.4. All objects go to the host cluster: for each object a template, a
//! placement and, where clusters differ, an override; for each kind the objects that `kubefed2 federate enable` would
//! create, so that the tool itself is not needed.
//!
//! Overrides have dotted paths under `clusterOverrides`; the field names are those of federation-v2 v0.0.4,
//! `pkg/apis/core/v1alpha1` and `pkg/controller/util/overrides.go`.

mod expand;
mod external_dns;
mod overrides;

use serde_json::{Value, json};

use super::{
    check, definition, everywhere, overrides as overrides_of, resource_name, spread, stand_in,
    template,
};
use crate::engine::delivered::{names, own_kind};
use crate::engine::{Delivered, Delivery, Description, Engine, OwnKinds};
use crate::findings::{Findings, code};
use crate::kubernetes::object::{Kind, Object, Wave};
use crate::manifests::{Budget, Expanded, Given, TooManyCopies};
use crate::mesh::Spec;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::skeleton;
use crate::resolved::published::Level;
use crate::resolved::{Publisher, Resolved};

/// The group of templates, placements and overrides.
const PRIMITIVES: &str = "primitives.federation.k8s.io";
/// The group of the objects from which the controller publishes records.
const RECORDS: &str = "multiclusterdns.federation.k8s.io";
const TO_INSTALL: Option<&str> = Some("install federation-v2 in this cluster first");
/// The namespace of federation-v2's own objects.
const SYSTEM_NAMESPACE: &str = "federation-system";
/// The default comparison field of `federate enable`.
const COMPARISON_FIELD: &str = "ResourceVersion";

/// Any object may be a template, so its fields are not validated.
const TEMPLATE: &str = r#"{"type":"object","properties":{
"template":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}"#;
const PLACEMENT: &str = r#"{"type":"object","properties":{
"clusterNames":{"type":"array","items":{"type":"string"}},
"clusterSelector":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}"#;
const OVERRIDE: &str = r#"{"type":"object","properties":{
"overrides":{"type":"array","items":{"type":"object","required":["clusterName"],"properties":{
"clusterName":{"type":"string"},
"clusterOverrides":{"type":"array","items":{"type":"object","required":["path"],"properties":{
"path":{"type":"string"},"value":{"x-kubernetes-preserve-unknown-fields":true}}}}}}}}}"#;

pub(in crate::engine) struct V1alpha1;

impl Engine for V1alpha1 {
    fn description() -> Description {
        Description {
            destination: "to the host",
            delivery: Delivery::Hub { group: PRIMITIVES },
            kinds: const {
                &[
                    OwnKinds::one(PRIMITIVES, "FederatedNamespacePlacement", Wave::Services),
                    OwnKinds::all(PRIMITIVES, Wave::Istio),
                    OwnKinds {
                        is_shared: true,
                        remedy: TO_INSTALL,
                        ..OwnKinds::all("core.federation.k8s.io", Wave::Accounts)
                    },
                    OwnKinds {
                        remedy: TO_INSTALL,
                        ..OwnKinds::all(RECORDS, Wave::Dns)
                    },
                ]
            },
            publisher: Some(Publisher {
                name: "federation controller",
                group: RECORDS,
                version: "v1alpha1",
            }),
        }
    }

    fn deliver(&self, resolved: &Resolved, placed: &[Placed], _: usize) -> Vec<Delivered> {
        let mut spread = spread(placed, &|one| federated(resolved, one));
        for namespace in std::mem::take(&mut spread.namespaces) {
            let placement = Object::new(
                namespace_placement(),
                Some(namespace),
                namespace,
                json!({ "spec": { "clusterNames": everywhere(resolved) } }),
            );
            spread.add_ours(resolved, "namespaces", Origin::Engine, vec![placement]);
        }
        for kind in std::mem::take(&mut spread.kinds) {
            let subject = format!("enable-{}", kind.kind.to_ascii_lowercase());
            spread.add_ours(resolved, &subject, Origin::Engine, enable(kind));
        }
        spread.add_ours(
            resolved,
            "enable-namespace",
            Origin::Engine,
            enable_namespaces(),
        );
        spread.add_ours(resolved, "records", Origin::Dns, records(resolved));
        spread.delivered
    }

    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check(spec, findings);
    }

    fn limits(&self, resolved: &Resolved, findings: &mut Findings) {
        if resolved.dns.publisher.is_some() {
            findings.hint(
                code::FEDERATION_NODE_LABELS,
                "spec.target",
                "the federation controller reads region and zone from failure-domain.beta.kubernetes.io labels of nodes"
                    .into(),
                "add these labels to the nodes; without them, the names have no region and zone".into(),
            );
            external_dns::check(resolved, findings);
        } else if !resolved.services.is_empty() {
            findings.hint(
                code::FEDERATION_RECORDS,
                "spec.dns.naming",
                "the federation controller names records by the gateway only, so fedmesh renders the records itself"
                    .into(),
                "use `naming: gateway` if the controller should publish the records".into(),
            );
        }
    }

    fn expand(
        &self,
        given: &mut Given,
        budget: &mut Budget,
        findings: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        expand::expand(given, budget, findings)
    }
}

/// Template, placement and, where clusters differ, override of one object.
fn federated(resolved: &Resolved, placed: &Placed) -> Vec<Object> {
    let of = &placed.template;
    let clusters = names(resolved, placed.clusters.iter().copied());
    let mut objects = vec![
        stand_in(
            kind_of(&of.kind, ""),
            of,
            &json!({ "template": template(of) }),
        ),
        stand_in(
            kind_of(&of.kind, "Placement"),
            of,
            &json!({ "clusterNames": clusters }),
        ),
    ];
    if !placed.differences.is_empty() {
        let overrides = overrides_of(
            resolved,
            placed,
            &|difference| json!({ "path": difference.path.join("."), "value": difference.value }),
        );
        objects.push(stand_in(
            kind_of(&of.kind, "Override"),
            of,
            &json!({ "overrides": overrides }),
        ));
    }
    objects
}

/// One of the three kinds for a kind: its template with an empty suffix, its `Placement`, its `Override`.
fn kind_of(kind: &Kind, suffix: &str) -> Kind {
    let name = format!("Federated{}{suffix}", kind.kind);
    let plural = plural(&name);
    own_kind(
        "primitives.federation.k8s.io/v1alpha1",
        name,
        plural,
        Wave::Istio,
    )
}

fn namespace_placement() -> Kind {
    Kind {
        wave: Wave::Services,
        ..kind_of(&Kind::NAMESPACE, "Placement")
    }
}

/// federation-v2's plural of a kind, without exceptions: a gateway becomes `gatewaies`.
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

/// The objects that `kubefed2 federate enable <kind>` creates: three definitions and a type configuration.
fn enable(kind: &Kind) -> Vec<Object> {
    let (template, placement, r#override) = (
        kind_of(kind, ""),
        kind_of(kind, "Placement"),
        kind_of(kind, "Override"),
    );
    vec![
        approved(definition(&template, skeleton(TEMPLATE))),
        approved(definition(&placement, skeleton(PLACEMENT))),
        approved(definition(&r#override, skeleton(OVERRIDE))),
        type_config(
            kind,
            &json!({
                "comparisonField": COMPARISON_FIELD,
                "namespaced": true,
                "override": api_resource(&r#override),
                "placement": api_resource(&placement),
                "propagationEnabled": true,
                "target": api_resource(kind),
                "template": api_resource(&template),
            }),
        ),
    ]
}

/// Namespaces are their own templates; only their placement is a federation-v2 kind.
fn enable_namespaces() -> Vec<Object> {
    let placement = namespace_placement();
    vec![
        approved(definition(&placement, skeleton(PLACEMENT))),
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

/// API servers refuse definitions in groups below k8s.io without an approval annotation.
fn approved(mut definition: Object) -> Object {
    definition.annotations.insert(
        "api-approved.kubernetes.io".to_owned(),
        "unapproved, federation-v2 is older than the approval".to_owned(),
    );
    definition
}

fn api_resource(kind: &Kind) -> Value {
    let mut resource = json!({});
    if !kind.group.is_empty() {
        resource["group"] = kind.group.as_ref().into();
    }
    resource["kind"] = kind.kind.as_ref().into();
    resource["pluralName"] = kind.plural.as_ref().into();
    resource["version"] = kind.version.as_ref().into();
    resource
}

fn type_config(target: &Kind, spec: &Value) -> Object {
    let kind = own_kind(
        "core.federation.k8s.io/v1alpha1",
        "FederatedTypeConfig",
        "federatedtypeconfigs",
        Wave::Accounts,
    );
    let name = resource_name(target);
    Object::new(kind, Some(SYSTEM_NAMESPACE), name, json!({ "spec": spec }))
}

/// Domain and `ServiceDNSRecord`, from which federation-v2's controller publishes the gateway's names.
fn records(resolved: &Resolved) -> Vec<Object> {
    if resolved.dns.publisher.is_none() || resolved.services.is_empty() {
        return Vec::new();
    }
    let kind = |kind: &str, plural: &str| {
        own_kind(
            "multiclusterdns.federation.k8s.io/v1alpha1",
            kind.to_owned(),
            plural.to_owned(),
            Wave::Dns,
        )
    };
    let federation = resolved.dns.federation.as_str();
    let domain = Object::new(
        kind("Domain", "domains"),
        Some(SYSTEM_NAMESPACE),
        federation,
        // A field of its own, not in `spec`.
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
