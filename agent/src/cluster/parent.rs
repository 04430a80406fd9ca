//! The `ApplySet`'s parent: the Secret that records the kinds of the mesh's objects in a cluster.
//!
//! Rules: KEP-3659. A parent of another tool, or a Secret that only has its name, is never changed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::cluster_dns::{self, CONFIG_MAPS, NAMESPACE};
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::object::{Key, Kind};
use shared::kubernetes::ownership::{self, PARENT_NAMESPACE};

use super::address::object_at;
use super::connection::Connection;
use super::request::Request;

/// Prefix of [`ownership::TOOLING_ANNOTATION`], before the version.
const TOOL: &str = "fedmesh/";

/// The observed or desired content of a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parent {
    /// Kinds in the set, `Kind.group`.
    pub(crate) group_kinds: BTreeSet<String>,
    /// Namespaces of the set besides the parent's own.
    pub(crate) namespaces: BTreeSet<String>,
    /// The clusters in which the mesh may have objects: names and contexts.
    pub(crate) clusters: BTreeMap<String, String>,
    /// The identities of these clusters, by name; see [`super::identity`].
    pub(crate) identities: BTreeMap<String, String>,
    /// Digest of the last applied document.
    pub(crate) document: Option<String>,
    /// The ConfigMaps of the cluster DNS that have, or may have, a stub domain of the mesh. They carry no label of the
    /// mesh, and a later user may not be allowed to find them.
    pub(crate) stub_domains: BTreeSet<Key>,
    /// The gateways' last known addresses.
    pub(crate) last_known: LastKnown,
}

impl Parent {
    /// Path of the Secret.
    pub(crate) fn path(mesh: &str) -> String {
        object_at(
            &Kind::SECRET,
            Some(PARENT_NAMESPACE),
            &ownership::parent_name(mesh),
        )
    }

    /// Key of the Secret.
    pub(crate) fn key(mesh: &str) -> Key {
        Key {
            group: String::new(),
            kind: "Secret".to_owned(),
            namespace: PARENT_NAMESPACE.to_owned(),
            name: ownership::parent_name(mesh),
        }
    }

    /// The desired content for a set with these objects and a document with this digest.
    pub(crate) fn of<'a>(keys: impl IntoIterator<Item = &'a Key>, document: Option<&str>) -> Self {
        let mut parent = Self {
            document: document.map(str::to_owned),
            ..Self::default()
        };
        for key in keys {
            parent.group_kinds.insert(key.group_kind());
            if !key.namespace.is_empty() && key.namespace != PARENT_NAMESPACE {
                parent.namespaces.insert(key.namespace.clone());
            }
        }
        parent
    }

    /// The content while objects of both exist; the document is that of `self`.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        self.group_kinds.extend(other.group_kinds.iter().cloned());
        self.namespaces.extend(other.namespaces.iter().cloned());
        for (name, context) in &other.clusters {
            let written = self.clusters.entry(name.clone());
            written.or_insert_with(|| context.clone());
        }
        for (name, identity) in &other.identities {
            let written = self.identities.entry(name.clone());
            written.or_insert_with(|| identity.clone());
        }
        self.stub_domains.extend(other.stub_domains.iter().cloned());
        if self.last_known.is_empty() {
            self.last_known = other.last_known.clone();
        }
        self
    }

    /// Whether both have the same content. The times of addresses make no difference, nor do the addresses where they
    /// are not kept: they are copied into the written record anyway.
    pub(crate) fn says_the_same(&self, other: &Self, are_addresses_kept: bool) -> bool {
        let same_addresses = self.last_known.has_addresses_of(&other.last_known);
        let all_else = Self {
            last_known: other.last_known.clone(),
            ..self.clone()
        };
        all_else == *other && (same_addresses || !are_addresses_kept)
    }

    /// The Secret to apply.
    pub(crate) fn to_json(&self, mesh: &str) -> Value {
        let join = |set: &BTreeSet<String>| -> String {
            set.iter().map(String::as_str).collect::<Vec<_>>().join(",")
        };
        let mut json = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": ownership::parent_name(mesh),
                "namespace": PARENT_NAMESPACE,
                "labels": {
                    ownership::MANAGED_BY_LABEL: ownership::MANAGED_BY,
                    ownership::MESH_LABEL: mesh,
                    ownership::ID_LABEL: ownership::applyset_id(mesh),
                },
                "annotations": {
                    ownership::TOOLING_ANNOTATION: format!("{TOOL}{}", env!("CARGO_PKG_VERSION")),
                    ownership::GROUP_KINDS_ANNOTATION: join(&self.group_kinds),
                    ownership::NAMESPACES_ANNOTATION: join(&self.namespaces),
                },
            },
        });
        for (annotation, map) in [
            (ownership::CLUSTERS_ANNOTATION, &self.clusters),
            (ownership::IDENTITIES_ANNOTATION, &self.identities),
        ] {
            if !map.is_empty() {
                json["metadata"]["annotations"][annotation] = json!(json!(map).to_string());
            }
        }
        if let Some(document) = &self.document {
            json["metadata"]["annotations"][ownership::DOCUMENT_ANNOTATION] = json!(document);
        }
        if let Some(last_known) = self.last_known.to_annotation() {
            json["metadata"]["annotations"][ownership::LAST_KNOWN_ANNOTATION] = json!(last_known);
        }
        if !self.stub_domains.is_empty() {
            let config_maps = self.stub_domains.iter();
            let config_maps = config_maps.map(|one| format!("{}/{}", one.namespace, one.name));
            json["metadata"]["annotations"][ownership::STUB_DOMAIN_ANNOTATION] =
                config_maps.collect::<Vec<_>>().join(",").into();
        }
        json
    }

    /// Reads it with its metadata; the error says what to do.
    pub(crate) async fn read(
        connection: &Connection,
        mesh: &str,
    ) -> Result<Option<(Self, Value)>, String> {
        let request = Request::get(Self::path(mesh));
        let Some(live) = connection
            .find(&request)
            .await
            .map_err(|error| error.in_context(connection.context(), "get Secret"))?
        else {
            return Ok(None);
        };
        let parent = Self::of_live(&live, mesh).ok_or_else(|| {
            format!(
                "context {}: Secret {PARENT_NAMESPACE}/{} is not the record of this mesh; \
                 rename the mesh or delete the Secret",
                connection.context(),
                ownership::parent_name(mesh)
            )
        })?;
        // No other part of the Secret is read.
        let metadata = live["metadata"].clone();
        Ok(Some((
            parent,
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata }),
        )))
    }

    fn of_live(live: &Value, mesh: &str) -> Option<Self> {
        let metadata = &live["metadata"];
        let annotation = |name: &str| metadata["annotations"][name].as_str().unwrap_or_default();
        let is_ours = metadata["labels"][ownership::ID_LABEL] == ownership::applyset_id(mesh)
            && annotation(ownership::TOOLING_ANNOTATION).starts_with(TOOL);
        let split = |name: &str| -> BTreeSet<String> {
            annotation(name)
                .split(',')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        is_ours.then(|| Self {
            group_kinds: split(ownership::GROUP_KINDS_ANNOTATION),
            namespaces: split(ownership::NAMESPACES_ANNOTATION),
            // An invalid annotation, edited by hand, counts as empty; the next apply writes it again.
            clusters: serde_json::from_str(annotation(ownership::CLUSTERS_ANNOTATION))
                .unwrap_or_default(),
            identities: serde_json::from_str(annotation(ownership::IDENTITIES_ANNOTATION))
                .unwrap_or_default(),
            document: metadata["annotations"][ownership::DOCUMENT_ANNOTATION]
                .as_str()
                .map(str::to_owned),
            stub_domains: stub_domains(annotation(ownership::STUB_DOMAIN_ANNOTATION)),
            last_known: LastKnown::read(annotation(ownership::LAST_KNOWN_ANNOTATION)),
        })
    }
}

/// The ConfigMaps with stub domains, by their annotation.
fn stub_domains(annotation: &str) -> BTreeSet<Key> {
    // As recorded by earlier versions, which knew no others.
    if annotation == "true" {
        return CONFIG_MAPS
            .map(|name| cluster_dns::key(NAMESPACE, name))
            .into();
    }
    let config_maps = annotation.split(',');
    config_maps
        .filter_map(|one| one.split_once('/'))
        .filter_map(|(namespace, name)| cluster_dns::checked_key(namespace, name))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Parent;
    use shared::cluster_dns::{CONFIG_MAPS, key};
    use shared::gateways::last_known::{Known, LastKnown, Timestamp};

    fn last_known(address: &str, seen: &str) -> LastKnown {
        let seen = Timestamp::new(seen).unwrap();
        let known = Known::new(vec![address.to_owned()], &seen);
        LastKnown {
            recorded: Some(seen),
            gateways: [("west".to_owned(), known)].into(),
            ..LastKnown::default()
        }
    }

    #[test]
    fn times_of_addresses_make_no_difference() {
        let of = |address, seen| Parent {
            last_known: last_known(address, seen),
            ..Parent::default()
        };
        let one = of("192.0.2.1", "2026-05-04T09:12:31Z");
        let later = of("192.0.2.1", "2026-05-05T09:12:31Z");
        let moved = of("192.0.2.2", "2026-05-05T09:12:31Z");
        let other = Parent {
            stub_domains: BTreeSet::from([key("kube-system", "coredns")]),
            ..one.clone()
        };
        for (recorded, is_kept, is_same) in [
            (&later, true, true),
            (&moved, true, false),
            (&moved, false, true),
            (&other, false, false),
            (&Parent::default(), true, false),
        ] {
            assert_eq!(
                one.says_the_same(recorded, is_kept),
                is_same,
                "{recorded:?}"
            );
        }
        assert_eq!(Parent::default().union(&one).last_known, one.last_known);
        assert_eq!(moved.clone().union(&one).last_known, moved.last_known);
    }

    #[test]
    fn reads_its_own_records_only() {
        let mut parent = Parent {
            group_kinds: ["Service", "Deployment.apps"].map(str::to_owned).into(),
            namespaces: ["web".to_owned()].into(),
            clusters: [("west".to_owned(), "arn:aws:eks:1/west, \"w\"".to_owned())].into(),
            identities: [("west".to_owned(), "1-2-3".to_owned())].into(),
            document: Some("sha256:0".to_owned()),
            stub_domains: ["coredns", "nodelocaldns"]
                .map(|name| key("kube-system", name))
                .into(),
            last_known: last_known("192.0.2.1", "2026-05-04T09:12:31Z"),
        };
        assert_eq!(
            Parent::of_live(&parent.to_json("demo"), "demo").as_ref(),
            Some(&parent)
        );
        // As recorded by earlier versions.
        let mut json = parent.to_json("demo");
        json["metadata"]["annotations"]["fedmesh.dev/stub-domain"] = "true".into();
        parent.stub_domains = CONFIG_MAPS.map(|name| key("kube-system", name)).into();
        assert_eq!(Parent::of_live(&json, "demo").as_ref(), Some(&parent));
        for unsafe_name in ["", "kube-system/../secrets", "coredns"] {
            json["metadata"]["annotations"]["fedmesh.dev/stub-domain"] = unsafe_name.into();
            let read = Parent::of_live(&json, "demo").unwrap();
            assert_eq!(read.stub_domains, BTreeSet::new(), "{unsafe_name}");
        }
        parent.stub_domains.clear();
        let mut json = parent.to_json("demo");
        assert_eq!(Parent::of_live(&json, "demo"), Some(parent));
        assert_eq!(Parent::of_live(&json, "other"), None);
        json["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = "kubectl/v1.35".into();
        assert_eq!(Parent::of_live(&json, "demo"), None);
    }
}
