//! `karmada`: templates in their own kinds, propagation policies, and override policies. All of them go to Karmada's
//! API server.
//!
//! No workload runs there, so objects that other engines keep on their hub go to the one member that has the records.
//! Field names are those of Karmada's `policy.karmada.io/v1alpha1`.

mod expand;

use serde_json::{Value, json};

use super::delivered::names;
use super::{Delivered, Delivery, Description, Engine, OwnKinds};
use crate::defaults::DEFAULT_NAMESPACE;
use crate::findings::{Findings, code};
use crate::kubernetes::object::{Kind, Object, Scope, Wave};
use crate::kubernetes::ownership;
use crate::manifests::{Budget, Expanded, Given, TooManyCopies};
use crate::origin::Origin;
use crate::placed::Placed;
use crate::resolved::Resolved;
use crate::text::digest;

/// The API group of policies.
const POLICIES: &str = "policy.karmada.io";
/// Karmada copies the name of a policy into labels, so it refuses a longer one
/// (`pkg/webhook/propagationpolicy/validating.go`).
const POLICY_NAME_MAX: usize = 63;
/// Karmada propagates every namespace to every member, unless it carries this label
/// (`pkg/controllers/namespace/namespace_sync_controller.go`).
const STAYS_LABEL: &str = "namespace.karmada.io/skip-auto-propagation";

pub(super) struct Karmada;

impl Engine for Karmada {
    fn description() -> Description {
        Description {
            destination: "to its API server",
            delivery: Delivery::Hub { group: POLICIES },
            kinds: const { &[OwnKinds::all(POLICIES, Wave::Accounts)] },
            publisher: None,
        }
    }

    fn deliver(&self, resolved: &Resolved, placed: &[Placed], _: usize) -> Vec<Delivered> {
        let mut delivered = homes(resolved, placed);
        // One policy for objects of one subject and the same clusters.
        let mut policies: Vec<(&Placed, Origin, Vec<Value>)> = Vec::new();
        // Independent of the document's order, so that policies keep their names.
        let mut placed: Vec<&Placed> = placed.iter().collect();
        placed.sort_by_key(|one| {
            let template = &one.template;
            (
                &one.subject,
                &template.namespace,
                &one.clusters,
                template.key(),
            )
        });
        for one in placed {
            let mut template = one.template.clone();
            if template.kind == Kind::NAMESPACE {
                template = template.label(STAYS_LABEL, "true");
            }
            let selector = selector(&template);
            delivered.push(Delivered {
                subject: one.subject.clone(),
                origin: one.origin,
                object: template,
            });
            if !one.differences.is_empty() {
                delivered.push(override_policy(resolved, one, &selector));
            }
            match policies.last_mut() {
                Some((first, origin, selectors)) if go_together(first, one) => {
                    *origin = origin.and(one.origin);
                    selectors.push(selector);
                }
                _ => policies.push((one, one.origin, vec![selector])),
            }
        }
        delivered.extend(
            policies
                .into_iter()
                .map(|(first, origin, selectors)| Delivered {
                    origin,
                    ..propagation_policy(resolved, first, &selectors)
                }),
        );
        delivered
    }

    fn limits(&self, resolved: &Resolved, findings: &mut Findings) {
        findings.hint(
            code::KARMADA_API_SERVER,
            "spec.target",
            format!(
                "all objects are applied to Karmada's API server, with the context of `{}`",
                resolved.clusters[resolved.dns.cluster].name
            ),
            "set the context of that cluster to Karmada's, and set the address of its gateway; or apply the \
             bundle with kubectl"
                .into(),
        );
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

fn go_together(one: &Placed, other: &Placed) -> bool {
    one.subject == other.subject
        && one.clusters == other.clusters
        && one.template.namespace == other.template.namespace
        && one.template.kind.is_never_deleted() == other.template.kind.is_never_deleted()
}

/// Namespaces of the templates. The members have them already.
fn homes(resolved: &Resolved, placed: &[Placed]) -> Vec<Delivered> {
    let templates = placed.iter().map(|one| &one.template);
    let rendered = templates.clone().filter(|one| one.kind == Kind::NAMESPACE);
    let rendered: Vec<&str> = rendered.map(|one| one.name.as_str()).collect();
    let mut desired: Vec<&str> = templates
        .filter_map(|one| one.namespace.as_deref())
        .filter(|name| *name != DEFAULT_NAMESPACE && !name.starts_with("kube-"))
        .filter(|name| !rendered.contains(name))
        .collect();
    desired.sort_unstable();
    desired.dedup();
    let home = |name: &str| {
        let namespace = Object::new(Kind::NAMESPACE, None, name, json!({}));
        Delivered {
            subject: "namespaces".to_owned(),
            origin: Origin::Engine,
            object: ownership::label(namespace, &resolved.name).label(STAYS_LABEL, "true"),
        }
    };
    desired.into_iter().map(home).collect()
}

fn selector(template: &Object) -> Value {
    let mut selector = json!({
        "apiVersion": template.kind.api_version(),
        "kind": template.kind.kind,
        "name": template.name,
    });
    if let Some(namespace) = &template.namespace {
        selector["namespace"] = namespace.as_str().into();
    }
    selector
}

/// The propagation policy of templates; `first` is one of them.
fn propagation_policy(resolved: &Resolved, first: &Placed, selectors: &[Value]) -> Delivered {
    let clusters = names(resolved, first.clusters.iter().copied());
    let mut spec = json!({
        "resourceSelectors": selectors,
        "placement": { "clusterAffinity": { "clusterNames": clusters } },
    });
    if first.template.kind.is_never_deleted() {
        spec["preserveResourcesOnDeletion"] = true.into();
    }
    policy(
        resolved,
        first,
        "PropagationPolicy",
        "propagationpolicies",
        &spec,
    )
}

/// The differences of some clusters.
fn override_policy(resolved: &Resolved, placed: &Placed, selector: &Value) -> Delivered {
    let rules = placed.differences.iter().map(|(&cluster, differences)| {
        let changes = differences.iter().map(|difference| {
            json!({ "path": difference.pointer(), "operator": "replace", "value": difference.value })
        });
        json!({
            "targetCluster": { "clusterNames": names(resolved, [cluster]) },
            "overriders": { "plaintext": changes.collect::<Vec<_>>() },
        })
    });
    let spec = json!({
        "resourceSelectors": [selector],
        "overrideRules": rules.collect::<Vec<_>>(),
    });
    policy(
        resolved,
        placed,
        "OverridePolicy",
        "overridepolicies",
        &spec,
    )
}

/// A policy for `of`, in its namespace; without one, the kind with the prefix `Cluster`.
fn policy(resolved: &Resolved, of: &Placed, kind: &str, plural: &str, spec: &Value) -> Delivered {
    let template = &of.template;
    let (before, before_plural) = match template.kind.scope {
        Scope::Namespaced => ("", ""),
        Scope::Cluster => ("Cluster", "cluster"),
    };
    let kind = Kind {
        group: POLICIES.into(),
        version: "v1alpha1".into(),
        kind: format!("{before}{kind}").into(),
        plural: format!("{before_plural}{plural}").into(),
        scope: template.kind.scope,
        // Before workloads, which an apply waits for: without a policy they would run nowhere.
        wave: Wave::Accounts,
    };
    let object = Object::new(
        kind,
        template.namespace.as_deref(),
        policy_name(template),
        json!({ "spec": spec }),
    );
    Delivered {
        subject: of.subject.clone(),
        origin: of.origin,
        object: ownership::label(object, &resolved.name),
    }
}

/// `<kind>-<name>`, with a digest instead of its end if that is too long.
fn policy_name(template: &Object) -> String {
    const DIGITS: usize = 12;
    let whole = format!(
        "{}-{}",
        template.kind.kind.to_ascii_lowercase(),
        template.name
    );
    if whole.len() <= POLICY_NAME_MAX {
        return whole;
    }
    let digest = digest::of_parts([whole.as_bytes()]);
    let digits = digest.trim_start_matches("sha256:");
    let beginning = whole[..POLICY_NAME_MAX - DIGITS - 1].trim_end_matches(['.', '-']);
    format!("{beginning}-{}", &digits[..DIGITS])
}
