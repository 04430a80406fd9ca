//! What is in the clusters, by a client and rules that are not those of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use shared::kubernetes::object::{Key, Kind};
use testbed::Testbed;

use crate::fixture::{CLUSTERS, client};

/// An object in the cluster of a context.
pub(super) type Id = (&'static str, Key);

/// Objects as they are, whoever's they are.
pub(super) type Observed = BTreeMap<Id, Value>;

/// The way to the clusters.
pub(super) struct Clusters {
    clients: BTreeMap<&'static str, Client>,
    kinds: BTreeSet<Kind>,
}

impl Clusters {
    pub(super) async fn of(bed: &Testbed, kinds: BTreeSet<Kind>) -> Self {
        let mut clients = BTreeMap::new();
        for (_, context) in CLUSTERS {
            clients.insert(context, client(bed, context).await);
        }
        Self { clients, kinds }
    }

    /// Every object of the kinds that the documents have, in every namespace.
    pub(super) async fn observe(&self) -> Observed {
        let lists = self.clients.iter().flat_map(|(context, client)| {
            let kinds = self.kinds.iter();
            kinds.map(move |kind| list(context, client, kind))
        });
        let lists = try_join_all(lists).await.unwrap();
        lists.into_iter().flatten().collect()
    }

    /// For one kind in one namespace.
    pub(super) fn api(&self, context: &str, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.clients[context].clone(),
            namespace,
            &api_resource(kind),
        )
    }

    /// For the kind and the namespace of an object.
    pub(super) fn api_of(&self, (context, key): &Id) -> Api<DynamicObject> {
        let is_its = |kind: &&Kind| kind.group == key.group && kind.kind == key.kind;
        let kind = self.kinds.iter().find(is_its).unwrap();
        self.api(context, kind, &key.namespace)
    }

    /// An object in Istio's namespace.
    pub(super) async fn get(&self, context: &str, kind: &Kind, name: &str) -> Option<Value> {
        let api = self.api(context, kind, "istio-system");
        let found = api.get_opt(name).await.unwrap();
        found.map(|object| serde_json::to_value(object).unwrap())
    }
}

fn api_resource(kind: &Kind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(&kind.group, &kind.version, &kind.kind);
    ApiResource::from_gvk_with_plural(&gvk, &kind.plural)
}

async fn list(
    context: &'static str,
    client: &Client,
    kind: &Kind,
) -> kube::Result<Vec<(Id, Value)>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &api_resource(kind));
    let mut tries = 0;
    let list = loop {
        match api.list(&ListParams::default()).await {
            Ok(list) => break list,
            // Connections from before an outage are broken.
            Err(_) if tries < 5 => tries += 1,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let named = list.into_iter().map(|object| {
        let key = Key {
            group: kind.group.to_string(),
            kind: kind.kind.to_string(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        };
        ((context, key), serde_json::to_value(object).unwrap())
    });
    Ok(named.collect())
}

/// Tells an object from a later one of the same name.
pub(super) fn uid(live: &Value) -> &str {
    live["metadata"]["uid"].as_str().unwrap()
}

/// The part of an object that its owner writes.
pub(super) fn content(live: &Value) -> Value {
    serde_json::json!({
        "spec": live["spec"],
        "labels": live["metadata"]["labels"],
        "annotations": live["metadata"]["annotations"],
    })
}

/// Whether it was applied for a mesh, by its field managers alone.
pub(super) fn is_applied_by(live: &Value, mesh: &str) -> bool {
    let manager = format!("fedmesh-{mesh}");
    let entries = live["metadata"]["managedFields"].as_array();
    let mut applied = entries.into_iter().flatten();
    applied.any(|one| one["operation"] == "Apply" && one["manager"] == *manager)
}

/// The first way in which an object lacks what is desired, as the path of a field.
pub(super) fn lacks(live: &Value, desired: &Value) -> Option<String> {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => {
            desired.iter().find_map(|(name, value)| {
                let found = live.get(name).unwrap_or(&Value::Null);
                Some(format!(".{name}{}", lacks(found, value)?))
            })
        }
        (Value::Array(live), Value::Array(desired)) if live.len() == desired.len() => {
            let mut pairs = live.iter().zip(desired).enumerate();
            pairs.find_map(|(index, (live, desired))| {
                Some(format!("[{index}]{}", lacks(live, desired)?))
            })
        }
        _ if live == desired => None,
        _ => Some(format!(": {live} instead of {desired}")),
    }
}
