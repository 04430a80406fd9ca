//! What others change in the clusters, as with kubectl.

use fastrand::Rng;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use shared::kubernetes::object::Kind;
use shared::kubernetes::ownership::{MANAGED_BY_LABEL, MESH_LABEL, PART_OF_LABEL, parent_name};

use super::observed::{Id, Observed, content, uid};
use super::{MESHES, World};
use crate::fixture::CLUSTERS;

/// The field manager of `kubectl edit`.
const MANAGER: &str = "kubectl-edit";

/// A change by somebody else.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edit {
    /// A field of a mesh's object gets another value.
    ChangeField,
    /// A mesh's label on an object gets another value: that of the other mesh, or of none.
    ChangeLabel,
    /// An object of a mesh gets an annotation of theirs.
    AddAnnotation,
    /// An object of a mesh loses one of its labels.
    RemoveLabel,
    /// An object of a mesh is deleted.
    Delete,
    /// An object of a mesh is deleted, and one of theirs gets its name.
    Replace,
    /// The record of a mesh is deleted.
    DeleteRecord,
    /// An object of theirs gets a name that a document desires.
    Create,
    /// An object of theirs changes.
    ChangeTheirs,
    /// An object of theirs is deleted.
    DeleteTheirs,
}

impl Edit {
    pub(super) fn any(rng: &mut Rng) -> Self {
        const ALL: [Edit; 10] = [
            Edit::ChangeField,
            Edit::ChangeLabel,
            Edit::AddAnnotation,
            Edit::RemoveLabel,
            Edit::Delete,
            Edit::Replace,
            Edit::DeleteRecord,
            Edit::Create,
            Edit::ChangeTheirs,
            Edit::DeleteTheirs,
        ];
        ALL[rng.usize(..ALL.len())]
    }
}

impl World {
    /// Changes something of that kind, if there is anything.
    pub(super) async fn edit(&mut self, edit: Edit) {
        let observed = self.clusters.observe().await;
        let ours = self.chosen(&observed, |world, id, live| world.owner(id, live).is_some());
        let theirs = self.chosen(&observed, |world, id, _| world.theirs.contains_key(id));
        let named = |one: &Option<Id>| {
            one.as_ref()
                .map(|(context, key)| format!("{key} in {context}"))
        };
        self.note(format!(
            "  {edit:?}, of {:?} or {:?}",
            named(&ours),
            named(&theirs)
        ));
        match (edit, ours, theirs) {
            (Edit::ChangeField, Some(id), _) => {
                let changed = json!({ "spec": changed_field(&id.1.kind) });
                self.take_over(&id, &changed).await;
            }
            (Edit::ChangeLabel, Some(id), _) => {
                let values = [MESHES[0], MESHES[1], "somebody"];
                let own = &observed[&id]["metadata"]["labels"][MESH_LABEL];
                let others: Vec<&str> = values.into_iter().filter(|one| *one != own).collect();
                let value = others[self.rng.usize(..others.len())];
                let changed = json!({ "metadata": { "labels": { MESH_LABEL: value } } });
                // Without both labels, no selector finds the object.
                if observed[&id]["metadata"]["labels"][PART_OF_LABEL].is_string() {
                    self.take_over(&id, &changed).await;
                }
            }
            (Edit::AddAnnotation, Some(id), _) => {
                let note =
                    json!({ "metadata": { "annotations": { "example.net/note": "theirs" } } });
                if let Some(live) = self.patch(&id, &note).await {
                    self.annotated.insert((id, uid(&live).to_owned()));
                }
            }
            (Edit::RemoveLabel, Some(id), _) => self.remove_label(&id, &observed[&id]).await,
            (Edit::Delete, Some(id), _) => self.delete(&id).await,
            (Edit::Replace, Some(id), _) => {
                self.delete(&id).await;
                self.create(id).await;
            }
            (Edit::DeleteRecord, ..) => self.delete_record().await,
            (Edit::Create, ..) => {
                let free = self.desired_by_any();
                let free: Vec<Id> = free
                    .into_iter()
                    .filter(|id| !observed.contains_key(id))
                    .collect();
                if let Some(id) = self.rng.choice(free) {
                    self.create(id).await;
                }
            }
            (Edit::ChangeTheirs, _, Some(id)) => {
                let changed = json!({
                    "metadata": { "annotations": { "example.net/change": self.rng.u16(..).to_string() } },
                });
                if let Some(live) = self.patch(&id, &changed).await {
                    self.theirs.insert(id, live);
                }
            }
            (Edit::DeleteTheirs, _, Some(id)) => {
                self.delete(&id).await;
                self.theirs.remove(&id);
            }
            _ => {}
        }
    }

    fn chosen(
        &mut self,
        observed: &Observed,
        is_meant: impl Fn(&Self, &Id, &Value) -> bool,
    ) -> Option<Id> {
        let meant = observed
            .iter()
            .filter(|(id, live)| is_meant(self, id, live));
        let meant: Vec<Id> = meant.map(|(id, _)| id.clone()).collect();
        self.rng.choice(meant)
    }

    /// Changes a field of ours, which is theirs from then on.
    async fn take_over(&mut self, id: &Id, changed: &Value) {
        if let Some(live) = self.patch(id, changed).await {
            self.edited.insert((id.clone(), uid(&live).to_owned()));
        }
    }

    /// The object as it is then; `None` where it has gone.
    async fn patch(&self, id: &Id, changed: &Value) -> Option<Value> {
        let parameters = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let api = self.clusters.api_of(id);
        match api
            .patch(&id.1.name, &parameters, &Patch::Merge(changed))
            .await
        {
            Ok(live) => Some(serde_json::to_value(live).unwrap()),
            Err(error) if is_code(&error, 404) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn remove_label(&mut self, id: &Id, live: &Value) {
        let labels = &live["metadata"]["labels"];
        let is_found_by_both = labels[PART_OF_LABEL].is_string()
            && self
                .owner(id, live)
                .is_some_and(|mesh| labels[MESH_LABEL] == *mesh);
        let mut removable = vec![MANAGED_BY_LABEL];
        // Without both, no selector finds the object.
        if is_found_by_both {
            removable.extend([MESH_LABEL, PART_OF_LABEL]);
        }
        let label = removable[self.rng.usize(..removable.len())];
        self.patch(id, &json!({ "metadata": { "labels": { label: null } } }))
            .await;
    }

    pub(super) async fn delete(&self, id: &Id) {
        delete(&self.clusters.api_of(id), &id.1.name).await;
    }

    async fn delete_record(&mut self) {
        let mesh = MESHES[self.rng.usize(..MESHES.len())];
        let (_, context) = CLUSTERS[self.rng.usize(..CLUSTERS.len())];
        self.note(format!("  the record of {mesh} in {context}"));
        let api = self.clusters.api(context, &Kind::SECRET, "istio-system");
        delete(&api, &parent_name(mesh)).await;
    }

    /// Creates an object of theirs, unless somebody has meanwhile. Some are what a document desires, so that no
    /// field is in conflict.
    pub(super) async fn create(&mut self, id: Id) {
        let (context, key) = &id;
        let mut object = self.desired_body(&id);
        object["metadata"] = json!({ "namespace": key.namespace, "name": key.name });
        let is_other = self.rng.bool();
        if is_other {
            let changed = changed_field(&key.kind);
            for (field, value) in changed.as_object().unwrap() {
                object["spec"][field] = value.clone();
            }
        }
        self.note(format!("  {key} in {context}, another one: {is_other}"));
        let parameters = PostParams {
            field_manager: Some("kubectl-create".to_owned()),
            ..PostParams::default()
        };
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        match self.clusters.api_of(&id).create(&parameters, &object).await {
            Ok(live) => {
                let live = serde_json::to_value(live).unwrap();
                self.theirs.insert(id, live);
            }
            Err(error) if is_code(&error, 409) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Gives back what was taken over: the object is deleted, or its fields have no other manager any more.
    pub(super) async fn undo_edits(&mut self) {
        let observed = self.clusters.observe().await;
        for (id, edited) in std::mem::take(&mut self.edited) {
            let Some(live) = observed.get(&id).filter(|live| uid(live) == edited) else {
                continue;
            };
            if self.rng.bool() {
                self.delete(&id).await;
                continue;
            }
            let managed = live["metadata"]["managedFields"].as_array().unwrap().iter();
            let ours: Vec<&Value> = managed.filter(|one| one["manager"] != MANAGER).collect();
            let change =
                json!([{ "op": "replace", "path": "/metadata/managedFields", "value": ours }]);
            let change = Patch::Json::<()>(serde_json::from_value(change).unwrap());
            let api = self.clusters.api_of(&id);
            api.patch(&id.1.name, &PatchParams::default(), &change)
                .await
                .unwrap();
        }
    }

    /// What is theirs is as they left it.
    pub(super) fn expect_theirs(&self, observed: &Observed) {
        for (id, live) in &self.theirs {
            let now = observed.get(id).map(content);
            assert_eq!(now, Some(content(live)), "{} in {} is not ours", id.1, id.0);
            assert_eq!(uid(&observed[id]), uid(live), "{} in {}", id.1, id.0);
        }
        for (id, annotated) in &self.annotated {
            if let Some(live) = observed.get(id).filter(|live| uid(live) == annotated) {
                let note = &live["metadata"]["annotations"]["example.net/note"];
                assert_eq!(note, "theirs", "{} in {}", id.1, id.0);
            }
        }
    }
}

/// A field that every document has, with a value that none has.
fn changed_field(kind: &str) -> Value {
    match kind {
        "DestinationRule" => json!({ "host": "edited.example.net" }),
        "ServiceEntry" | "VirtualService" => json!({ "hosts": ["edited.example.net"] }),
        "Gateway" => json!({ "selector": { "istio": "edited" } }),
        "DNSEndpoint" => json!({ "endpoints": [] }),
        "WorkloadEntry" => json!({ "address": "192.0.2.254" }),
        other => panic!("what is a field of {other}?"),
    }
}

async fn delete(api: &Api<DynamicObject>, name: &str) {
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => {}
        Err(error) if is_code(&error, 404) => {}
        Err(error) => panic!("{error}"),
    }
}

fn is_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
