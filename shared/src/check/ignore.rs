//! Rules about `spec.ignore`.

use super::{Findings, code};
use crate::kubernetes::ignore::{IgnoreRule, KINDS, Pointer};
use crate::kubernetes::object::Object;
use crate::mesh::{self, Spec, Target};
use crate::render::render;
use crate::resolved::Resolved;

/// Maps that the API server replaces as a whole (`x-kubernetes-map-type: atomic`).
const ATOMIC: [(&str, &str); 3] = [
    ("Service", "/spec/selector/"),
    ("Deployment", "/spec/selector/"),
    ("Deployment", "/spec/template/spec/nodeSelector/"),
];

/// The valid entries; `None` together with at least one error.
pub(super) fn rules(spec: &Spec, findings: &mut Findings) -> Option<Vec<IgnoreRule>> {
    let rules: Vec<_> = spec
        .ignore
        .iter()
        .enumerate()
        .map(|(index, one)| rule(&format!("spec.ignore[{index}]"), one, findings))
        .collect();
    rules.into_iter().collect()
}

fn rule(path: &str, given: &mesh::Ignore, findings: &mut Findings) -> Option<IgnoreRule> {
    let is_known = KINDS.iter().any(|(kind, _)| *kind == given.kind);
    if !is_known {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        findings.error(
            code::UNKNOWN_KIND,
            &format!("{path}.kind"),
            format!("`{}` is not a kind that fedmesh renders", given.kind),
            format!("use one of {}", kinds.join(", ")),
        );
    }
    if given.fields.is_empty() {
        findings.error(
            code::EMPTY,
            &format!("{path}.fields"),
            "the list of fields is empty".into(),
            "list the fields as JSON pointers, such as /spec/endpoints".into(),
        );
    }
    let fields: Vec<Option<Pointer>> = given
        .fields
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let path = format!("{path}.fields[{index}]");
            pointer(&path, &given.kind, text, findings)
        })
        .collect();
    let fields = fields.into_iter().collect::<Option<Vec<_>>>()?;
    (is_known && !fields.is_empty()).then(|| IgnoreRule {
        kind: given.kind.clone(),
        namespace: given.namespace.clone(),
        name: given.name.clone(),
        fields,
    })
}

fn pointer(path: &str, kind: &str, text: &str, findings: &mut Findings) -> Option<Pointer> {
    let mut invalid = |message: String, hint: String| {
        findings.error(code::BAD_POINTER, path, message, hint);
        None
    };
    let is_part = |(of, map): &&(&str, &str)| *of == kind && text.starts_with(map);
    if let Some((_, map)) = ATOMIC.iter().find(is_part) {
        let map = map.trim_end_matches('/');
        return invalid(
            format!("`{text}` is part of a map that the API server replaces as a whole"),
            format!("use {map}"),
        );
    }
    match Pointer::parse(text) {
        Ok(pointer) => Some(pointer),
        Err(error) => invalid(
            format!("`{text}` {error}"),
            "use a JSON pointer to a field of the manifest, such as /spec/endpoints".into(),
        ),
    }
}

/// Checks the entries against the rendered objects.
pub(super) fn check(resolved: &Resolved, findings: &mut Findings) {
    if resolved.ignore.is_empty() {
        return;
    }
    if resolved.target.has_hub() {
        let without_hub = Target::all().filter(|target| !target.has_hub());
        let without_hub: Vec<&str> = without_hub.map(Target::as_str).collect();
        findings.warning(
            code::IGNORE_UNSUPPORTED,
            "spec.ignore",
            format!(
                "ignored fields have no effect with the engine {}",
                resolved.target.as_str()
            ),
            format!(
                "use `target: {}`, or remove `spec.ignore`",
                without_hub.join("` or `")
            ),
        );
        return;
    }
    let placed = render(resolved);
    for (index, rule) in resolved.ignore.iter().enumerate() {
        let path = format!("spec.ignore[{index}]");
        let objects = placed.iter().map(|one| &one.template);
        let objects: Vec<&Object> = objects.filter(|object| rule.is_for(object)).collect();
        if objects.is_empty() && !may_be_rendered(rule, resolved) {
            findings.warning(
                code::IGNORES_NOTHING,
                &path,
                "no rendered object has this kind, namespace and name".into(),
                "correct the entry or remove it; `fedmesh-agent render` lists the objects".into(),
            );
        }
        for (field, pointer) in rule.fields.iter().enumerate() {
            if objects
                .iter()
                .any(|object| pointer.goes_through_list(object))
            {
                findings.error(
                    code::BAD_POINTER,
                    &format!("{path}.fields[{field}]"),
                    format!(
                        "`{pointer}` is part of a list that the API server replaces as a whole"
                    ),
                    "ignore the whole list".into(),
                );
            }
        }
    }
}

/// Records are rendered only when the addresses of gateways are known.
fn may_be_rendered(rule: &IgnoreRule, resolved: &Resolved) -> bool {
    let mut clusters = resolved.clusters.iter();
    rule.kind == "DNSEndpoint" && clusters.any(|cluster| cluster.gateway.addresses.is_none())
}
