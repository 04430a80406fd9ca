//! An engine of this file alone: each object travels in a Parcel on the hub, with its clusters and what differs there.

use serde_json::{Value, json};
use shared::engine::{Delivered, Delivery, Description, Engine, OwnKinds};
use shared::findings::Findings;
use shared::kubernetes::object::{Kind, Object, Scope, Wave};
use shared::manifests::{
    self, Budget, Carried, Change, Expanded, Given, TooManyCopies, bytes, list, texts,
};
use shared::placed::Placed;
use shared::resolved::Resolved;

use super::round_trip;

const GROUP: &str = "toy.example.com";

struct Toy;

impl Engine for Toy {
    fn description() -> Description {
        Description {
            destination: "to the depot",
            delivery: Delivery::Hub { group: GROUP },
            kinds: const { &[OwnKinds::all(GROUP, Wave::Istio)] },
            publisher: None,
        }
    }

    fn deliver(&self, resolved: &Resolved, placed: &[Placed], _: usize) -> Vec<Delivered> {
        let parcels = placed.iter().enumerate();
        let parcels = parcels.map(|(number, one)| Delivered {
            subject: one.subject.clone(),
            origin: one.origin,
            object: parcel(number, one, resolved),
        });
        parcels.collect()
    }

    fn expand(
        &self,
        given: &mut Given,
        budget: &mut Budget,
        _: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        let mut expanded = Expanded::default();
        for parcel in given.take(|object| object.group() == GROUP) {
            let spec = &parcel.value["spec"];
            let clusters: Vec<String> = texts(&spec["clusters"]).map(str::to_owned).collect();
            budget.take(bytes(&spec["manifest"]), clusters.len())?;
            let object = manifests::Object::new(
                parcel.file.clone(),
                parcel.cluster.clone(),
                spec["manifest"].clone(),
            );
            let mut one = Carried::new(object, clusters);
            for change in list(&spec["changes"]) {
                let text = |name: &str| change[name].as_str().unwrap_or_default();
                let of_cluster = one.changes.entry(text("cluster").to_owned()).or_default();
                of_cluster.extend(Change::patch("replace", text("path"), &change["value"]));
            }
            expanded.add(one);
        }
        Ok(expanded.found())
    }
}

fn parcel(number: usize, placed: &Placed, resolved: &Resolved) -> Object {
    let name = |index: &usize| resolved.clusters[*index].name.as_str();
    let changes = placed.differences.iter().flat_map(|(index, differences)| {
        differences.iter().map(|difference| {
            json!({ "cluster": name(index), "path": difference.pointer(), "value": difference.value })
        })
    });
    let spec = json!({
        "manifest": placed.template.to_json(),
        "clusters": placed.clusters.iter().map(name).collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<Value>>(),
    });
    let kind = Kind {
        group: GROUP.into(),
        version: "v1".into(),
        kind: "Parcel".into(),
        plural: "parcels".into(),
        scope: Scope::Namespaced,
        wave: Wave::Istio,
    };
    Object::new(
        kind,
        Some("depot"),
        format!("parcel-{number}"),
        json!({ "spec": spec }),
    )
}

#[test]
fn a_new_engine_is_one_file() {
    round_trip::check_examples(&Toy);
}
