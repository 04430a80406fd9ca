//! DestinationRules that are deleted while their hosts stay.
//!
//! istiod sends a change of a rule by the rule's own host, but a deletion by its state of the previous push
//! (`deltaFromDestinationRules` of its `pilot/pkg/networking/core/cluster.go`, and `proxyDependentOnConfig`). If a push
//! for another change comes after the deletion, that state no longer has the rule when the deletion is handled
//! (discussed in pull request 44891 of istio/istio). Then sidecars keep the rule, such as mutual TLS with a gateway
//! without it, until another change of the host or a restart of their pods. So the rule's policy is emptied first, and
//! the rule is deleted once sidecars have that: a kept rule is then as good as none. If a wider rule replaces it, as
//! when names come to share one, it gets the policy of that one: until its deletion it is the more specific one, also
//! for namespaces that do not see it (`getExportedDestinationRuleFromNamespace` of `pilot/pkg/model/push_context.go`).
//! istiod sends the deletion only to those that see it, so it is exported to all until then.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::kubernetes::object::{Key, Object, texts};
use crate::name;
use crate::plan::PruneCandidate;

/// The fields of a rule with an effect on calls; the others set its scope.
const EFFECTS: [&str; 2] = ["trafficPolicy", "subsets"];

/// A rule whose host stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedRule {
    /// The host.
    pub host: String,
    /// Whether the rule is exported to some namespaces only.
    pub has_exports: bool,
}

/// The orphaned rules that have an effect, and whose host stays.
pub fn rules(candidate: &BTreeMap<Key, PruneCandidate>) -> BTreeMap<&Key, OrphanedRule> {
    let of_kind = |kind: &'static str| {
        let all = candidate.iter();
        all.filter(move |(key, _)| key.is_istio(kind))
            .map(|(key, one)| (key, one.live()))
    };
    let leaving: BTreeSet<String> = of_kind("ServiceEntry")
        .flat_map(|(_, entry)| {
            let hosts = texts(&entry["spec"]["hosts"]);
            hosts.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    of_kind("DestinationRule")
        .filter_map(|(key, rule)| {
            let spec = &rule["spec"];
            let host = spec["host"].as_str().unwrap_or_default();
            let has_effect = EFFECTS.iter().any(|field| !spec[field].is_null());
            let orphaned = OrphanedRule {
                host: host.to_owned(),
                has_exports: !spec["exportTo"].is_null(),
            };
            (has_effect && !leaving.contains(host)).then_some((key, orphaned))
        })
        .collect()
}

/// The policy of a host after its own rule is deleted: that of the most specific wildcard rule.
pub fn wider_policy<'a>(
    host: &str,
    objects: impl IntoIterator<Item = &'a Object>,
) -> Option<&'a Value> {
    let rules = objects
        .into_iter()
        .filter(|one| one.kind.is_istio("DestinationRule"));
    let wider = rules.filter_map(|rule| {
        let spec = rule.body.get("spec")?;
        Some((name::ending(spec["host"].as_str()?, host)?.len(), spec))
    });
    let (_, spec) = wider.max_by_key(|(length, _)| *length)?;
    spec.get("trafficPolicy")
}

/// The JSON patch that copies a wider rule's policy and exports the rule to all; with the uid, so that it fails for
/// another rule of the same name.
pub fn with_policy(uid: &str, rule: &OrphanedRule, policy: &Value) -> Value {
    let mut patch = vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": uid }),
        json!({ "op": "add", "path": "/spec/trafficPolicy", "value": policy }),
    ];
    if rule.has_exports {
        patch.push(json!({ "op": "remove", "path": "/spec/exportTo" }));
    }
    patch.into()
}

/// The JSON merge patch that leaves a rule without effect; with the uid, so that it fails for another rule of the same
/// name.
pub fn without_effect(uid: &str) -> Value {
    let fields = EFFECTS.into_iter().chain(["exportTo"]);
    let spec: serde_json::Map<_, _> = fields.map(|one| (one.to_owned(), Value::Null)).collect();
    json!({ "metadata": { "uid": uid }, "spec": spec })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::object::Kind;

    fn candidate(kind: &'static str, name: &str, spec: &Value) -> (Key, PruneCandidate) {
        let kind = Kind::istio("v1", kind, "");
        let key = Key {
            group: kind.group.to_string(),
            kind: kind.kind.to_string(),
            namespace: "istio-system".to_owned(),
            name: name.to_owned(),
        };
        let live = json!({ "metadata": { "uid": "1" }, "spec": spec });
        (key, PruneCandidate::new(kind, &live))
    }

    #[test]
    fn rules_whose_host_stays_are_found() {
        let rule = |name: &str, host: &str| {
            let tls = json!({ "mode": "ISTIO_MUTUAL" });
            let spec = json!({ "host": host, "trafficPolicy": { "tls": tls } });
            candidate("DestinationRule", name, &spec)
        };
        let pods =
            json!({ "host": "orders.sales.svc.cluster.local", "subsets": [{ "name": "v1" }] });
        let without = json!({ "host": "stays.example.com" });
        let several = json!({ "hosts": ["a.example.com", "goes.example.com"] });
        let other = json!({ "hosts": ["stays.example.com"] });
        let all = BTreeMap::from([
            rule("stays", "stays.example.com"),
            rule("goes", "goes.example.com"),
            rule("wide", "*.example.com"),
            candidate("DestinationRule", "pods", &pods),
            candidate("DestinationRule", "without", &without),
            candidate("ServiceEntry", "several", &several),
            candidate("VirtualService", "other", &other),
        ]);
        let rules = rules(&all);
        let names: Vec<&str> = rules.keys().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["pods", "stays", "wide"]);
    }

    #[test]
    fn the_most_specific_wider_rule_replaces_one() {
        let rule = |host: &str| {
            let body = json!({ "spec": { "host": host, "trafficPolicy": { "of": host } } });
            Object::new(
                Kind::istio("v1", "DestinationRule", ""),
                Some("istio-system"),
                host,
                body,
            )
        };
        let rules = ["*.example.com", "*.svc.example.com", "a.svc.example.com"].map(rule);
        let policy = |host: &str| wider_policy(host, &rules).map(|policy| policy["of"].clone());
        assert_eq!(
            policy("a.svc.example.com"),
            Some(json!("*.svc.example.com"))
        );
        assert_eq!(policy("svc.example.com"), Some(json!("*.example.com")));
        assert_eq!(policy("example.com"), None);
        assert_eq!(policy("asvc.example.org"), None);
    }

    #[test]
    fn a_rule_gets_the_wider_policy_and_is_exported_to_all() {
        let spec =
            |export_to| json!({ "host": "a.example.com", "subsets": [], "exportTo": export_to });
        let patch = |export_to: Value| {
            let all = BTreeMap::from([candidate("DestinationRule", "a", &spec(export_to))]);
            let rules = rules(&all);
            with_policy("7", rules.values().next().unwrap(), &json!({ "tls": {} }))
        };
        let policy = json!([
            { "op": "test", "path": "/metadata/uid", "value": "7" },
            { "op": "add", "path": "/spec/trafficPolicy", "value": { "tls": {} } },
        ]);
        assert_eq!(patch(Value::Null), policy);
        let mut with_exports = policy;
        let exports = json!({ "op": "remove", "path": "/spec/exportTo" });
        with_exports.as_array_mut().unwrap().push(exports);
        assert_eq!(patch(json!(["shop"])), with_exports);
    }

    #[test]
    fn only_the_effect_of_a_rule_is_removed() {
        assert_eq!(
            without_effect("7"),
            json!({ "metadata": { "uid": "7" }, "spec": { "trafficPolicy": null, "subsets": null, "exportTo": null } })
        );
    }
}
