//! Acceptance of Gateway API objects, by the conditions in their status.
//!
//! A condition counts if it is for the current generation (`observedGeneration`). Those that must be True are the API's
//! own: of a Gateway and each of its listeners, and of a route for each listener that it attaches to
//! (`GatewayConditionType`, `ListenerConditionType`, `RouteConditionType` of `sigs.k8s.io/gateway-api`). Any of them
//! that is not True is reported; one that is not set yet is waited for.

use serde_json::Value;

use super::Off;
use crate::kubernetes::object::Object;

/// The name of Istio's gateway controller in a route's status (istio `pilot/pkg/features`,
/// `PILOT_GATEWAY_API_CONTROLLER_NAME`).
const CONTROLLER: &str = "istio.io/gateway-controller";

/// Of a Gateway and of a listener.
const ACCEPTED: &str = "Accepted";
const PROGRAMMED: &str = "Programmed";
/// Of a listener and of a route; for a Gateway only newer controllers set it.
const RESOLVED_REFS: &str = "ResolvedRefs";
/// Of a listener; it must not be True.
const CONFLICTED: &str = "Conflicted";

/// A condition that has the wrong status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its part and type, such as `listener http: Programmed`.
    pub name: String,
    /// The controller's reason.
    pub reason: String,
    /// The controller's message; may be empty.
    pub message: String,
}

impl Condition {
    /// Reason and message: `Invalid: Bad TLS configuration`.
    pub(super) fn said(&self) -> String {
        match self.message.as_str() {
            "" => self.reason.clone(),
            message => format!("{}: {message}", self.reason),
        }
    }
}

/// The state of a Gateway API object by its conditions; `None` if it is accepted. `desired` is the rendered object,
/// `live` the observed one.
pub fn judge_conditions(desired: &Object, live: &Value) -> Option<Off> {
    let mut seen = Seen {
        generation: live["metadata"]["generation"].as_u64(),
        bad: Vec::new(),
        awaited: None,
    };
    let (spec, status) = (desired.body.get("spec"), &live["status"]);
    let of_spec = |field: &str| list(spec.map_or(&Value::Null, |spec| &spec[field]));
    if desired.kind.kind == "Gateway" {
        seen.take("", status, &[ACCEPTED, PROGRAMMED], &[RESOLVED_REFS]);
        for listener in of_spec("listeners") {
            let name = listener["name"].as_str().unwrap_or_default();
            let mut said = list(&status["listeners"]).iter();
            let said = said.find(|one| one["name"] == name).unwrap_or(&Value::Null);
            let needed = [ACCEPTED, RESOLVED_REFS, PROGRAMMED];
            seen.take(&format!("listener {name}"), said, &needed, &[CONFLICTED]);
        }
    } else {
        for parent in of_spec("parentRefs") {
            let section = parent["sectionName"].as_str().unwrap_or_default();
            let mut said = list(&status["parents"]).iter();
            let said = said.find(|one| {
                one["controllerName"] == CONTROLLER && is_same(parent, &one["parentRef"], desired)
            });
            let said = said.unwrap_or(&Value::Null);
            let name = format!("listener {section}");
            seen.take(&name, said, &[ACCEPTED, RESOLVED_REFS], &[]);
        }
    }
    match (seen.bad.is_empty(), seen.awaited) {
        (false, _) => Some(Off::NotAccepted(seen.bad)),
        (true, Some(awaited)) => Some(Off::Unsaid(awaited)),
        (true, None) => None,
    }
}

/// Whether a status refers to a parent: the default namespace is the route's own.
fn is_same(parent: &Value, said: &Value, route: &Object) -> bool {
    let namespace = |one: &Value| match one["namespace"].as_str() {
        Some(namespace) => Some(namespace.to_owned()),
        None => route.namespace.as_deref().map(str::to_owned),
    };
    parent["name"] == said["name"]
        && parent["sectionName"] == said["sectionName"]
        && namespace(parent) == namespace(said)
}

/// The observed conditions of an object.
struct Seen {
    generation: Option<u64>,
    bad: Vec<Condition>,
    /// The first required condition that is not set.
    awaited: Option<String>,
}

impl Seen {
    /// Collects the conditions of one part of an object: required and optional ones.
    fn take(&mut self, part: &str, said: &Value, needed: &[&str], others: &[&str]) {
        for (kind, is_needed) in needed
            .iter()
            .map(|kind| (*kind, true))
            .chain(others.iter().map(|kind| (*kind, false)))
        {
            let name = match part {
                "" => kind.to_owned(),
                part => format!("{part}: {kind}"),
            };
            let mut conditions = list(&said["conditions"]).iter();
            let condition = conditions.find(|one| one["type"] == kind && self.is_current(one));
            let good = if kind == CONFLICTED { "False" } else { "True" };
            match condition {
                Some(one) if one["status"] == good => {}
                // The API's status of a condition that no controller has set yet.
                Some(one) if one["status"] != "Unknown" => self.bad.push(Condition {
                    name,
                    reason: text(&one["reason"]),
                    message: text(&one["message"]),
                }),
                _ if is_needed => _ = self.awaited.get_or_insert(name),
                _ => {}
            }
        }
    }

    /// Whether a condition is for the current generation, if it has one.
    fn is_current(&self, condition: &Value) -> bool {
        let observed = condition["observedGeneration"].as_u64();
        match (observed, self.generation) {
            (Some(observed), Some(generation)) => observed >= generation,
            _ => true,
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Off;
    use super::judge_conditions;
    use crate::kubernetes::object::{Kind, Object};

    fn gateway() -> Object {
        let body = json!({ "spec": { "listeners": [{ "name": "http" }, { "name": "tcp-9000" }] } });
        Object::new(
            Kind::gateway_api("Gateway", "gateways"),
            Some("edge"),
            "fedmesh-shop",
            body,
        )
    }

    /// A route that attaches to a listener of a Gateway in another namespace, and to one in its own.
    fn route() -> Object {
        let body = json!({ "spec": { "parentRefs": [
            { "name": "fedmesh-shop", "namespace": "edge", "sectionName": "http" },
            { "name": "fedmesh-shop", "sectionName": "http" },
        ] } });
        Object::new(
            Kind::gateway_api("HTTPRoute", "httproutes"),
            Some("sales"),
            "orders",
            body,
        )
    }

    /// `Accepted=True` for a generation, each with a reason of its own.
    fn conditions(generation: u64, all: &[&str]) -> Value {
        let all = all.iter().map(|one| {
            let (kind, status) = one.split_once('=').unwrap();
            json!({
                "type": kind, "status": status, "observedGeneration": generation,
                "reason": format!("{kind}Because"), "message": "of that",
            })
        });
        all.collect()
    }

    fn listener(name: &str, all: &[&str]) -> Value {
        json!({ "name": name, "conditions": conditions(3, all) })
    }

    const GOOD: &[&str] = &[
        "Accepted=True",
        "ResolvedRefs=True",
        "Programmed=True",
        "Conflicted=False",
    ];

    fn gateway_said(own: &[&str], second: &[&str]) -> Value {
        json!({
            "metadata": { "generation": 3 },
            "status": { "conditions": conditions(3, own), "listeners": [listener("tcp-9000", second), listener("http", GOOD)] },
        })
    }

    fn parent(controller: &str, parent: &Value, all: &[&str]) -> Value {
        json!({ "controllerName": controller, "parentRef": parent, "conditions": conditions(3, all) })
    }

    fn route_said(parents: &[Value]) -> Value {
        json!({ "metadata": { "generation": 3 }, "status": { "parents": parents } })
    }

    /// The bad conditions, in short.
    fn said(off: Option<Off>) -> String {
        match off {
            None => "accepted".to_owned(),
            Some(Off::Unsaid(condition)) => format!("waits for {condition}"),
            Some(Off::NotAccepted(conditions)) => {
                let all = conditions
                    .iter()
                    .map(|one| format!("{} ({})", one.name, one.said()));
                all.collect::<Vec<_>>().join("; ")
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_gateway_and_each_of_its_listeners_must_be_accepted() {
        let good = ["Accepted=True", "Programmed=True"];
        let cases: [(&[&str], &[&str], &str); 9] = [
            (&good, GOOD, "accepted"),
            (
                &["Accepted=True", "Programmed=True", "ResolvedRefs=True"],
                GOOD,
                "accepted",
            ),
            // `Conflicted` of a listener is optional.
            (&good, &GOOD[..3], "accepted"),
            (
                &["Accepted=True", "Programmed=False"],
                GOOD,
                "Programmed (ProgrammedBecause: of that)",
            ),
            (
                &["Accepted=True", "Programmed=True", "ResolvedRefs=False"],
                GOOD,
                "ResolvedRefs (ResolvedRefsBecause: of that)",
            ),
            (
                &good,
                &["Accepted=True", "ResolvedRefs=False", "Programmed=False"],
                "listener tcp-9000: ResolvedRefs (ResolvedRefsBecause: of that); \
                 listener tcp-9000: Programmed (ProgrammedBecause: of that)",
            ),
            (
                &good,
                &[
                    "Accepted=True",
                    "ResolvedRefs=True",
                    "Programmed=True",
                    "Conflicted=True",
                ],
                "listener tcp-9000: Conflicted (ConflictedBecause: of that)",
            ),
            // The initial status in the kind's definition.
            (
                &["Accepted=Unknown", "Programmed=Unknown"],
                &[],
                "waits for Accepted",
            ),
            (
                &good,
                &["Accepted=True", "Programmed=True"],
                "waits for listener tcp-9000: ResolvedRefs",
            ),
        ];
        for (own, second, expected) in cases {
            let live = gateway_said(own, second);
            assert_eq!(
                said(judge_conditions(&gateway(), &live)),
                expected,
                "{live}"
            );
        }
    }

    #[test]
    fn only_the_current_generation_counts() {
        let mut live = gateway_said(&["Accepted=False", "Programmed=True"], GOOD);
        live["metadata"]["generation"] = 4.into();
        let seen = judge_conditions(&gateway(), &live);
        assert_eq!(
            said(seen),
            "waits for Accepted",
            "an older False does not count"
        );
        live["metadata"]["generation"] = 2.into();
        assert!(said(judge_conditions(&gateway(), &live)).starts_with("Accepted ("));
        assert_eq!(
            said(judge_conditions(&gateway(), &json!({}))),
            "waits for Accepted"
        );
        assert_eq!(
            said(judge_conditions(&route(), &json!({ "status": {} }))),
            "waits for listener http: Accepted"
        );
    }

    #[test]
    fn a_route_is_accepted_at_each_of_its_listeners_by_istio() {
        let istio = "istio.io/gateway-controller";
        let full = |namespace: &str| {
            json!({
                "group": "gateway.networking.k8s.io", "kind": "Gateway",
                "name": "fedmesh-shop", "namespace": namespace, "sectionName": "http",
            })
        };
        let beside = json!({ "name": "fedmesh-shop", "sectionName": "http" });
        let good = ["Accepted=True", "ResolvedRefs=True"];
        let bad = ["Accepted=False", "ResolvedRefs=True"];
        let cases = [
            (
                vec![
                    parent(istio, &full("edge"), &good),
                    parent(istio, &beside, &good),
                ],
                "accepted",
            ),
            // The default namespace is the route's own.
            (
                vec![
                    parent(istio, &full("sales"), &good),
                    parent(istio, &full("edge"), &good),
                ],
                "accepted",
            ),
            (
                vec![
                    parent(istio, &full("edge"), &bad),
                    parent(istio, &beside, &good),
                ],
                "listener http: Accepted (AcceptedBecause: of that)",
            ),
            (
                vec![
                    parent(istio, &full("edge"), &good),
                    parent(istio, &full("elsewhere"), &good),
                ],
                "waits for listener http: Accepted",
            ),
            // Another controller's conditions do not count.
            (
                vec![
                    parent("other.example/controller", &full("edge"), &bad),
                    parent(istio, &full("edge"), &good),
                    parent(istio, &beside, &good),
                ],
                "accepted",
            ),
            (
                vec![
                    parent("other.example/controller", &full("edge"), &good),
                    parent(istio, &beside, &good),
                ],
                "waits for listener http: Accepted",
            ),
        ];
        for (parents, expected) in cases {
            let live = route_said(&parents);
            assert_eq!(said(judge_conditions(&route(), &live)), expected, "{live}");
        }
    }
}
