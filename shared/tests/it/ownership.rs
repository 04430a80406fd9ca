//! Every object that is handed to a cluster says whose it is, and is of a kind that is looked for again.

use documents::{addresses, examples, meshes, with_target};
use proptest::prelude::*;
use serde_json::json;
use shared::check;
use shared::engine::is_written;
use shared::kubernetes::object::Kind;
use shared::kubernetes::ownership::{
    APPLIED_ANNOTATION, MANAGED_BY_LABEL, Owner, Ownership, field_manager,
};
use shared::mesh::{Mesh, Target};
use shared::plan::desired::Desired;

fn check_objects(mesh: &Mesh) {
    let Some(resolved) = check(mesh, &addresses(mesh)).resolved else {
        return;
    };
    let name = resolved.name.to_string();
    let clusters = resolved.clusters.iter();
    let clusters: Vec<String> = clusters.map(|one| one.name.to_string()).collect();
    let desired = Desired::new(resolved);
    let ownership = Ownership::of(&name);
    for object in clusters.iter().flat_map(|cluster| desired.of(cluster)) {
        assert!(
            is_written(&object.kind.group, &object.kind.kind),
            "{} is never looked for",
            object.kind.group_kind()
        );
        let json = object.to_json();
        let metadata = &json["metadata"];
        assert_eq!(ownership.owner(metadata), Owner::Ours, "{metadata}");
        assert!(ownership.is_applied(metadata), "{metadata}");
        // A person removes the label of the set, then all of them.
        let mut stripped = metadata.clone();
        stripped["labels"]
            .as_object_mut()
            .unwrap()
            .shift_remove("applyset.kubernetes.io/part-of");
        assert_eq!(ownership.owner(&stripped), Owner::Ours, "{stripped}");
        stripped["labels"] = json!({});
        let applied = json!([{ "manager": field_manager(&name), "operation": "Apply" }]);
        stripped["managedFields"] = applied;
        assert!(ownership.is_applied(&stripped), "{stripped}");
        let other = Ownership::of("another");
        assert_eq!(other.owner(metadata), Owner::Mesh(name.clone()));
        assert!(!other.is_applied(metadata) && !other.is_applied(&stripped));
        for mark in [MANAGED_BY_LABEL, APPLIED_ANNOTATION] {
            assert!(metadata.to_string().contains(mark), "{metadata}");
        }
        assert_ne!(object.kind, Kind::SECRET, "the only one is the record");
    }
}

#[test]
fn examples_with_every_engine() {
    for mesh in examples().values() {
        for target in Target::all() {
            check_objects(&with_target(mesh, target));
        }
    }
}

proptest! {
    #[test]
    fn generated_documents(mesh in meshes()) {
        check_objects(&mesh);
    }
}
