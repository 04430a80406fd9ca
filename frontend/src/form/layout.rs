//! Which fields of an object are always in sight, and how wide they are. All others appear once they are set, and are
//! added from a list.

use super::label::general;
use crate::schema::Schema;

/// A field that is in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InSight {
    pub(crate) name: &'static str,
    /// Columns of twelve.
    pub(crate) width: u8,
}

const fn field(name: &'static str, width: u8) -> InSight {
    InSight { name, width }
}

/// The columns of the table of clusters.
pub(crate) const CLUSTER_COLUMNS: [&str; 5] =
    ["name", "region", "zone", "context", "gateway.addresses"];
/// The columns of the table of services.
pub(crate) const SERVICE_COLUMNS: [&str; 4] = ["name", "namespace", "port", "hostname"];

/// The fields in sight of the object with a path, in their order.
fn in_sight(path: &str) -> &'static [InSight] {
    const DNS: &[InSight] = &[
        field("suffix", 5),
        field("federation", 2),
        field("ttl", 2),
        field("naming", 4),
        field("externalDns", 4),
    ];
    const EXTERNAL_DNS: &[InSight] = &[
        field("provider", 4),
        field("ownerId", 4),
        field("policy", 4),
    ];
    const GITOPS: &[InSight] = &[
        field("repoURL", 8),
        field("path", 4),
        field("branch", 4),
        field("secret", 8),
    ];
    const SPEC: &[InSight] = &[
        field("target", 8),
        field("istio", 4),
        field("transport", 4),
        field("endpoints", 4),
        field("samples", 4),
    ];
    const SERVICE: &[InSight] = &[
        field("clusters", 12),
        field("routes", 12),
        field("callers", 12),
        field("selector", 4),
        field("transport", 4),
        field("protocol", 4),
    ];
    const CLUSTER: &[InSight] = &[field("gateway", 12)];
    const GATEWAY: &[InSight] = &[
        field("service", 6),
        field("namespace", 6),
        field("clusterIP", 6),
        field("port", 6),
    ];
    const FAILOVER: &[InSight] = &[
        field("retry", 4),
        field("perTryTimeout", 4),
        field("connectTimeout", 4),
    ];
    const EXTERNAL: &[InSight] = &[field("host", 6), field("ports", 12)];
    const CALLER: &[InSight] = &[
        field("namespace", 4),
        field("serviceAccounts", 4),
        field("clusters", 4),
    ];
    const MATCH: &[InSight] = &[field("uri", 12), field("method", 12), field("headers", 12)];
    match general(path).as_str() {
        "spec" => SPEC,
        "spec.dns" => DNS,
        "spec.dns.externalDns" => EXTERNAL_DNS,
        "spec.gitops" => GITOPS,
        "spec.services[]" => SERVICE,
        "spec.services[].failover" => FAILOVER,
        "spec.services[].callers[]" => CALLER,
        "spec.services[].routes[].match[]" => MATCH,
        "spec.clusters[]" => CLUSTER,
        "spec.clusters[].gateway" => GATEWAY,
        "spec.external[]" => EXTERNAL,
        _ => &[],
    }
}

/// Fields of an object that are shown elsewhere: as columns of a table, or as a section of their own.
pub(crate) fn is_elsewhere(path: &str, name: &str) -> bool {
    match general(path).as_str() {
        "spec" => matches!(name, "dns" | "clusters" | "services"),
        "spec.clusters[]" => matches!(name, "name" | "region" | "zone" | "zones" | "context"),
        "spec.clusters[].gateway" => name == "addresses",
        "spec.services[]" => SERVICE_COLUMNS.contains(&name),
        _ => false,
    }
}

/// Whether the field with a path is a cell of one of the tables, or a row.
pub(crate) fn is_column(path: &str) -> bool {
    let general = general(path);
    let is_of = |list: &str, columns: &[&str]| {
        let field = general.strip_prefix(list);
        field.is_some_and(|field| {
            field.is_empty()
                || field
                    .strip_prefix('.')
                    .is_some_and(|field| columns.contains(&field))
        })
    };
    is_of("spec.clusters[]", &CLUSTER_COLUMNS) || is_of("spec.services[]", &SERVICE_COLUMNS)
}

/// The names of the fields of an object that are shown, in their order: those in sight, the required ones, and those
/// that are set or were added.
pub(crate) fn shown<'s>(
    path: &str,
    schema: &'s Schema,
    is_present: impl Fn(&str) -> bool,
) -> Vec<&'s str> {
    let in_sight = in_sight(path);
    let known = |name: &str| schema.property(name).map(|one| one.name.as_str());
    let mut shown: Vec<&str> = in_sight.iter().filter_map(|one| known(one.name)).collect();
    for property in schema.properties() {
        let name = property.name.as_str();
        if (property.is_required || is_present(name)) && !shown.contains(&name) {
            shown.push(name);
        }
    }
    shown.retain(|name| !is_elsewhere(path, name));
    // A small object without any of these shows its values, such as the ways to match a text.
    if shown.is_empty() && schema.properties().len() <= SMALL {
        let leaves = schema
            .properties()
            .iter()
            .filter(|one| one.schema.kind.is_leaf());
        shown.extend(leaves.map(|one| one.name.as_str()));
    }
    shown
}

/// Fields of an object that are all shown.
const SMALL: usize = 6;

/// The names of the fields of an object that are not shown, and can be added.
pub(crate) fn addable<'s>(path: &str, schema: &'s Schema, shown: &[&str]) -> Vec<&'s str> {
    let names = schema.properties().iter().map(|one| one.name.as_str());
    names
        .filter(|name| !shown.contains(name) && !is_elsewhere(path, name))
        .collect()
}

/// The width of a field in columns of twelve; `is_wide` is for fields that need more than one line.
pub(crate) fn width(path: &str, name: &str, is_wide: bool) -> u8 {
    let in_sight = in_sight(path).iter().find(|one| one.name == name);
    in_sight.map_or(if is_wide { 12 } else { 4 }, |one| one.width)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::document::path::key;
    use crate::schema::{self, Kind};

    #[test]
    fn fields_in_sight_exist() {
        for path in [
            "spec",
            "spec.dns",
            "spec.dns.externalDns",
            "spec.gitops",
            "spec.services[0]",
            "spec.services[0].failover",
            "spec.services[0].callers[0]",
            "spec.services[0].routes[0].match[0]",
            "spec.clusters[0]",
            "spec.clusters[0].gateway",
            "spec.external[0]",
        ] {
            let schema = schema::at(path).unwrap();
            assert!(!in_sight(path).is_empty(), "{path}");
            for field in in_sight(path) {
                assert!(
                    schema.property(field.name).is_some(),
                    "{path}.{}",
                    field.name
                );
            }
        }
        for (list, columns) in [
            ("spec.clusters[0]", &CLUSTER_COLUMNS[..]),
            ("spec.services[0]", &SERVICE_COLUMNS[..]),
        ] {
            for column in columns {
                assert!(
                    schema::at(&format!("{list}.{column}")).is_some(),
                    "{list}.{column}"
                );
            }
        }
    }

    /// Adds the general paths of all fields that the form can edit below an object.
    fn collect(path: &str, schema: &Schema, all: &mut BTreeSet<String>) {
        match &schema.kind {
            Kind::Object(properties) => {
                let shown = shown(path, schema, |_| false);
                let addable = addable(path, schema, &shown);
                for property in properties {
                    let field = key(path, &property.name);
                    let is_in_table = is_column(&field) || field.ends_with("].zones");
                    let is_section = ["spec.dns", "spec.clusters", "spec.services"];
                    let name = property.name.as_str();
                    assert!(
                        shown.contains(&name)
                            || addable.contains(&name)
                            || is_in_table
                            || is_section.contains(&&*field)
                            || field == "spec.clusters[0].gateway.addresses",
                        "nothing edits {field}"
                    );
                    all.insert(general(&field));
                    collect(&field, &property.schema, all);
                }
            }
            Kind::List(item) => collect(&format!("{path}[0]"), item, all),
            Kind::Map(value) => collect(&key(path, "name"), value, all),
            _ => {}
        }
    }

    #[test]
    fn the_form_edits_every_field_of_the_reference() {
        let mut editable = BTreeSet::new();
        for object in ["metadata", "spec"] {
            collect(object, schema::at(object).unwrap(), &mut editable);
        }
        let fields = shared::mesh::schema::fields();
        let fields: Vec<&str> = fields
            .iter()
            .map(|field| field.path.trim_end_matches("[]"))
            .filter(|path| !matches!(*path, "apiVersion" | "kind"))
            .collect();
        assert!(fields.len() > 100);
        for field in fields {
            assert!(editable.contains(field), "the form has no {field}");
        }
    }

    #[test]
    fn what_is_set_is_shown() {
        let service = "spec.services[0]";
        let schema = schema::at(service).unwrap();
        let shown = shown(service, schema, |name| name == "trafficPolicy");
        assert_eq!(
            shown,
            [
                "clusters",
                "routes",
                "callers",
                "selector",
                "transport",
                "protocol",
                "trafficPolicy"
            ]
        );
    }
}
