//! Comparison of the given manifests with those of the document: objects without a counterpart, and fields that differ.
//! Additional objects of the document are not a loss.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ImportError;
use super::comparable;
use super::counterparts::{InCluster, is_at_ports, together};
use super::difference::{Loss, losses};
use super::hints;
use super::names::{self, Names, as_name};
use super::rewrites;
use super::services::is_at_gateway;
use super::world::{self, World};
use crate::check::{Finding, Findings, Severity, code};
use crate::engine::{self, Content, File};
use crate::kubernetes::object;
use crate::manifests::{Given, Object, Patch, list, texts};
use crate::render::{WIDE, render};
use crate::resolved::Resolved;
use crate::text::credential::{self, LEFT_OUT};

/// Longest value that a finding quotes, in characters.
const QUOTED: usize = 120;
/// Most objects that a finding names.
const NAMED: usize = 3;

pub(super) fn compare(
    world: &World,
    names: &Names,
    resolved: &Resolved,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    // The manifests of the document's engine, parsed like the given ones.
    let mut rendered = world::spread(given_by(resolved), &mut Findings::default())?;
    let domain = |name: &String| {
        let mut clusters = resolved.clusters.iter();
        let cluster = clusters.find(|one| one.name.as_str() == name)?;
        Some(cluster.cluster_domain.to_string())
    };
    let domains: Vec<Option<String>> = rendered.clusters.iter().map(domain).collect();
    rendered.set_domains(&domains);
    let rendered_by_cluster = rendered.by_cluster();
    let mut reported = Reported::default();
    for (name, given) in world.clusters.iter().zip(world.by_cluster()) {
        let index = rendered.clusters.iter().position(|cluster| cluster == name);
        let rendered = index.map(|index| rendered_by_cluster[index].as_slice());
        let cluster = InCluster {
            given: &given,
            rendered: rendered.unwrap_or_default(),
            names,
        };
        for object in &given {
            let mut found = Findings::default();
            one(object, &cluster, &mut found);
            reported.add(object, name, found);
        }
    }
    findings.0.extend(reported.findings());
    Ok(())
}

/// Reports each object, if nothing of the document can be rendered.
pub(super) fn without_comparison(world: &World, findings: &mut Findings) {
    let mut reported = BTreeSet::new();
    for object in &world.objects {
        let (severity, ..) = hints::no_place(object);
        if reported.insert(object.place()) {
            findings.add(
                severity,
                code::NO_PLACE,
                &object.place(),
                "the document has errors, so the object is not compared with it".into(),
                "fix the errors, then check the changes that `plan` shows".into(),
            );
        }
    }
}

/// The findings of all clusters: the same one of an object in several clusters is reported once.
#[derive(Default)]
struct Reported<'a> {
    /// In the order of their discovery, each with its object and its clusters.
    found: Vec<(Finding, String, Vec<&'a str>)>,
    /// By path and message.
    indices: BTreeMap<(String, String), usize>,
    /// The clusters of each object.
    clusters: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Reported<'a> {
    fn add(&mut self, object: &Object, cluster: &'a str, found: Findings) {
        let place = object.place();
        let clusters = self.clusters.entry(place.clone()).or_default();
        clusters.insert(cluster);
        for finding in found.0 {
            let key = (finding.path.clone(), finding.message.clone());
            let index = *self.indices.entry(key).or_insert_with(|| {
                self.found.push((finding, place.clone(), Vec::new()));
                self.found.len() - 1
            });
            let clusters = &mut self.found[index].2;
            if clusters.last() != Some(&cluster) {
                clusters.push(cluster);
            }
        }
    }

    /// A finding that does not hold in all clusters of its object names those in which it does.
    fn findings(self) -> impl Iterator<Item = Finding> {
        let of_objects = self.clusters;
        self.found
            .into_iter()
            .map(move |(mut finding, place, clusters)| {
                if clusters.len() < of_objects[&place].len() {
                    let clusters: Vec<String> =
                        clusters.iter().map(|one| format!("`{one}`")).collect();
                    let clusters = clusters.join(", ");
                    finding.message = format!("{} (in {clusters})", finding.message);
                }
                finding
            })
    }
}

/// The manifests of a document.
fn given_by(resolved: &Resolved) -> Given {
    let placed = render(resolved);
    let mut given = Given::default();
    let clusters = 0..resolved.clusters.len();
    if !resolved.target.is_applied_by_others() {
        for index in clusters {
            let cluster = &resolved.clusters[index].name;
            let delivered = engine::deliver(resolved, &placed, index);
            given.objects.extend(delivered.into_iter().map(|one| {
                let value = one.object.to_json();
                Object::new(String::new(), Some(cluster.to_string()), value)
            }));
        }
        return given;
    }
    let mut parts = engine::of(resolved.target).common_files(resolved, &placed);
    parts.extend(clusters.flat_map(|index| engine::files(resolved, &placed, index)));
    for File { path, content, .. } in parts {
        let values = match content {
            Content::Objects(objects) => objects.iter().map(object::Object::to_json).collect(),
            Content::Kustomize(value) => vec![value],
        };
        for value in values {
            let file = path.clone();
            match value {
                Value::Array(operations) => given.patches.push(Patch { file, operations }),
                value => given.objects.push(Object::new(file, None, value)),
            }
        }
    }
    given
}

fn one(object: &Object, cluster: &InCluster<'_>, findings: &mut Findings) {
    let names = cluster.names;
    let counterparts = cluster.of(object);
    if counterparts.is_empty() {
        without_counterpart(object, cluster, findings);
        return;
    }
    let fields = |object: &Object| {
        let mut fields = Value::Object(comparable::fields(object, names));
        // Before any value is quoted.
        credential::redact(&mut fields);
        fields
    };
    // The failover settings of such a rule are imported into each service, and may then be in other rules.
    let is_wide =
        object.is_ours() && object.is("DestinationRule") && object.name().starts_with(WIDE);
    let lost = if is_wide {
        Vec::new()
    } else {
        let rendered = together(counterparts.iter().copied().map(fields));
        let mut given = fields(object);
        rewrites::at_called_ports(&mut given, object, cluster);
        let mut lost = losses(&given, &rendered);
        lost.retain(|loss| !is_at_ports(loss, &rendered));
        lost
    };
    let is_complete = lost.iter().all(Loss::is_of_metadata);
    replaced(object, &counterparts, is_complete, findings);
    for loss in lost {
        lost_field(object, &loss, findings);
    }
}

/// Reports an object that others replace; `is_complete` is whether they have its fields.
fn replaced(object: &Object, by: &[&Object], is_complete: bool, findings: &mut Findings) {
    let name = |object: &Object| (object.namespace().to_owned(), object.name().to_owned());
    if by.iter().any(|one| name(one) == name(object)) {
        return;
    }
    let mut others: Vec<String> = by
        .iter()
        .take(NAMED)
        .map(|one| format!("`{} {}/{}`", one.kind(), one.namespace(), one.name()))
        .collect();
    if by.len() > NAMED {
        others.push(format!("{} more", by.len() - NAMED));
    }
    let verb = if by.len() > 1 { "replace" } else { "replaces" };
    let hint = if is_complete {
        "remove it once the document is applied"
    } else {
        "remove it once the document is applied, if nothing needs its fields that are reported below"
    };
    findings.hint(
        code::REPLACED,
        &object.place(),
        format!("{} {verb} it", others.join(", ")),
        hint.into(),
    );
}

fn without_counterpart(object: &Object, cluster: &InCluster<'_>, findings: &mut Findings) {
    if let Some(entry) = rewrites::instead_of(object, cluster) {
        replaced(object, &[entry], true, findings);
        return;
    }
    let is_published = is_about_published_names(object, cluster.names);
    // Versions of fedmesh differ in the objects that names share.
    if is_published && object.is_ours() {
        return;
    }
    if is_published && cluster.has_hosts_of(object) {
        findings.warning(
            code::REPLACED,
            &object.place(),
            "other objects of the document route the calls to its hosts".into(),
            "remove it once the document is applied".into(),
        );
        return;
    }
    let (severity, message, hint) = if cluster.with_its_name(object).is_some() {
        hints::OTHER_PURPOSE
    } else {
        let (severity, message, hint) = hints::no_place(object);
        let hint = hints::of_external(object, cluster).unwrap_or(hint);
        (severity, message, hint)
    };
    findings.add(
        severity,
        code::NO_PLACE,
        &object.place(),
        message.into(),
        hint.into(),
    );
}

fn lost_field(object: &Object, loss: &Loss, findings: &mut Findings) {
    let path = format!("{} {}", object.place(), loss.path);
    let given = quoted(&loss.given);
    if loss.given.to_string().contains(LEFT_OUT) {
        findings.warning(
            code::CREDENTIAL_LEFT_OUT,
            &path,
            format!("`{given}` has a credential, which is not imported"),
            hints::TO_A_SECRET.into(),
        );
        return;
    }
    let message = match &loss.instead {
        Some(instead) => format!(
            "the manifests have `{given}`{}, but the document renders `{}`",
            if is_omitted(object, &loss.path) {
                " by default"
            } else {
                ""
            },
            quoted(instead)
        ),
        None => format!("the document does not render `{given}`"),
    };
    // They have no effect on calls.
    let severity = if loss.is_of_metadata() {
        Severity::Hint
    } else {
        Severity::Warning
    };
    findings.add(
        severity,
        code::NOT_CARRIED,
        &path,
        message,
        hints::advice(loss).into(),
    );
}

/// Whether a compared field of a specification is not in the object.
fn is_omitted(object: &Object, path: &str) -> bool {
    let field = path.strip_prefix("spec.").unwrap_or_default();
    let is_name = !field.is_empty() && field.chars().all(char::is_alphanumeric);
    is_name && object.value["spec"].get(field).is_none()
}

/// Whether an object is only for names that the document publishes.
fn is_about_published_names(object: &Object, names: &Names) -> bool {
    let is_of_mesh = match object.kind() {
        "ServiceEntry" | "DestinationRule" => true,
        "VirtualService" => !is_at_gateway(object),
        _ => false,
    };
    let hosts = names::hosts(object);
    let mut hosts = hosts.iter().map(|host| names.meant(host));
    is_of_mesh && hosts.len() > 0 && hosts.all(|host| names.read(&as_name(&host)).is_some())
}

fn quoted(value: &Value) -> String {
    let texts: Vec<&str> = texts(value).collect();
    let text = if !texts.is_empty() && texts.len() == list(value).len() {
        texts.join(", ")
    } else {
        value.to_string()
    };
    if text.chars().count() <= QUOTED {
        return text;
    }
    let short: String = text.chars().take(QUOTED).collect();
    format!("{short}…")
}
