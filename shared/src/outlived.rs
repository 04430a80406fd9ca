//! DestinationRules that are deleted while their hosts stay.
//!
//! istiod passes on a change of a rule by the rule, and a deletion by what it remembers of it: the state of the
//! push before (`deltaFromDestinationRules` of its `pilot/pkg/networking/core/cluster.go`, and
//! `proxyDependentOnConfig`). A push for another change that has seen the deletion already makes it forget the
//! rule before it comes to the deletion itself (discussed in pull request 44891 of istio/istio). Then sidecars
//! keep the rule, such as mutual TLS with a gateway that speaks none, until something else changes the host or
//! their pods start anew. So a rule is left without effect first, and deleted once that has been passed on: what
//! sidecars keep is then as good as no rule. Where a wider rule takes its place, as when names come to share one, it
//! says what that one says: until it is deleted it stays the more specific one, also for namespaces that do not see it
//! (`getExportedDestinationRuleFromNamespace` of `pilot/pkg/model/push_context.go`). istiod passes its deletion on only
//! to those that see it, so until then all do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::name;
use crate::object::{Key, Object, texts};
use crate::plan::Surplus;

/// What a rule does to calls; what else is in it says where it counts.
const EFFECTS: [&str; 2] = ["trafficPolicy", "subsets"];

/// A rule whose host stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlived {
    /// The host.
    pub host: String,
    /// Whether only some namespaces see the rule.
    pub has_exports: bool,
}

/// Those of the objects to be deleted that are rules with an effect, and whose host does not go with them.
pub fn rules(surplus: &BTreeMap<Key, Surplus>) -> BTreeMap<&Key, Outlived> {
    let of_kind = |kind: &'static str| {
        let all = surplus.iter();
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
            let outlived = Outlived {
                host: host.to_owned(),
                has_exports: !spec["exportTo"].is_null(),
            };
            (has_effect && !leaving.contains(host)).then_some((key, outlived))
        })
        .collect()
}

/// The policy that holds for a host once its own rule is gone: that of the most specific of some rules by wildcard.
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

/// The JSON patch that makes a rule say what a wider one says, to all; with the uid, for no other rule of its name.
pub fn with_policy(uid: &str, rule: &Outlived, policy: &Value) -> Value {
    let mut patch = vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": uid }),
        json!({ "op": "add", "path": "/spec/trafficPolicy", "value": policy }),
    ];
    if rule.has_exports {
        patch.push(json!({ "op": "remove", "path": "/spec/exportTo" }));
    }
    patch.into()
}

/// The JSON merge patch that leaves a rule without effect; with the uid, for no other rule of its name.
pub fn without_effect(uid: &str) -> Value {
    let fields = EFFECTS.into_iter().chain(["exportTo"]);
    let spec: serde_json::Map<_, _> = fields.map(|one| (one.to_owned(), Value::Null)).collect();
    json!({ "metadata": { "uid": uid }, "spec": spec })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Kind;

    fn surplus(kind: &'static str, name: &str, spec: &Value) -> (Key, Surplus) {
        let kind = Kind::istio("v1", kind, "");
        let key = Key {
            group: kind.group.to_string(),
            kind: kind.kind.to_string(),
            namespace: "istio-system".to_owned(),
            name: name.to_owned(),
        };
        let live = json!({ "metadata": { "uid": "1" }, "spec": spec });
        (key, Surplus::new(kind, &live))
    }

    #[test]
    fn a_rule_is_outlived_by_a_host_that_does_not_go_along() {
        let rule = |name: &str, host: &str| {
            let tls = json!({ "mode": "ISTIO_MUTUAL" });
            let spec = json!({ "host": host, "trafficPolicy": { "tls": tls } });
            surplus("DestinationRule", name, &spec)
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
            surplus("DestinationRule", "pods", &pods),
            surplus("DestinationRule", "without", &without),
            surplus("ServiceEntry", "several", &several),
            surplus("VirtualService", "other", &other),
        ]);
        let rules = rules(&all);
        let names: Vec<&str> = rules.keys().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["pods", "stays", "wide"]);
    }

    #[test]
    fn the_most_specific_wider_rule_takes_the_place_of_one() {
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
    fn only_what_a_rule_does_is_taken_away() {
        assert_eq!(
            without_effect("7"),
            json!({ "metadata": { "uid": "7" }, "spec": { "trafficPolicy": null, "subsets": null, "exportTo": null } })
        );
    }
}
