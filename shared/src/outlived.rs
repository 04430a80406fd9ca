//! DestinationRules that are deleted while their hosts stay.
//!
//! istiod passes on a change of a rule by the rule, and a deletion by what it remembers of it: the state of the
//! push before (`deltaFromDestinationRules` of its `pilot/pkg/networking/core/cluster.go`, and
//! `proxyDependentOnConfig`). A push for another change that has seen the deletion already makes it forget the
//! rule before it comes to the deletion itself (discussed in pull request 44891 of istio/istio). Then sidecars
//! keep the rule, such as mutual TLS with a gateway that speaks none, until something else changes the host or
//! their pods start anew. So a rule is left without effect first, and deleted once that has been passed on: what
//! sidecars keep is then as good as no rule.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::object::{ISTIO_GROUP, Key};
use crate::plan::Surplus;

/// What a rule does to calls; what else is in it says where it counts.
const EFFECTS: [&str; 2] = ["trafficPolicy", "subsets"];

/// Those of the objects to be deleted that are rules with an effect, and whose host does not go with them.
pub fn rules(surplus: &BTreeMap<Key, Surplus>) -> BTreeSet<&Key> {
    let of_kind = |kind: &'static str| {
        let all = surplus.iter();
        all.filter(move |(key, _)| key.group == ISTIO_GROUP && key.kind == kind)
            .map(|(key, one)| (key, one.live()))
    };
    let leaving: BTreeSet<String> = of_kind("ServiceEntry")
        .flat_map(|(_, entry)| {
            let hosts = entry["spec"]["hosts"].as_array().cloned();
            hosts.unwrap_or_default()
        })
        .filter_map(|host| host.as_str().map(str::to_owned))
        .collect();
    of_kind("DestinationRule")
        .filter(|(_, rule)| {
            let spec = &rule["spec"];
            let host = spec["host"].as_str().unwrap_or_default();
            EFFECTS.iter().any(|field| !spec[field].is_null()) && !leaving.contains(host)
        })
        .map(|(key, _)| key)
        .collect()
}

/// The JSON merge patch that leaves a rule without effect; with the uid, for no other rule of its name.
pub fn without_effect(uid: &str) -> Value {
    let fields = EFFECTS.map(|field| (field.to_owned(), Value::Null));
    let spec: serde_json::Map<_, _> = fields.into_iter().collect();
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
        let names: Vec<&str> = rules(&all)
            .into_iter()
            .map(|key| key.name.as_str())
            .collect();
        assert_eq!(names, ["pods", "stays", "wide"]);
    }

    #[test]
    fn only_what_a_rule_does_is_taken_away() {
        assert_eq!(
            without_effect("7"),
            json!({ "metadata": { "uid": "7" }, "spec": { "trafficPolicy": null, "subsets": null } })
        );
    }
}
