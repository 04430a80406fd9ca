//! Published names as a tree: global → region → zone → cluster, each with the clusters that answer.

use shared::resolved::published::{LevelKind, NameRow};

/// The names of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceNames {
    /// `<name>.<namespace>`.
    pub(crate) service: String,
    /// `<hostname>.<suffix>`, if set.
    pub(crate) vanity: Option<NameRow>,
    /// The global name, with the names below it.
    pub(crate) global: Node,
}

/// A name with the names below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) row: NameRow,
    pub(crate) below: Vec<Node>,
}

impl Node {
    /// The place of the name, which is shown beside it.
    pub(crate) fn place(&self) -> String {
        let row = &self.row;
        let narrowest = row.cluster.as_ref().or(row.zone.as_ref());
        let place = narrowest.or(row.region.as_ref());
        place.cloned().unwrap_or_else(|| "global".to_owned())
    }

    /// Whether the name falls back to the level above.
    pub(crate) fn falls_back(&self) -> bool {
        self.row.clusters.is_empty()
    }
}

/// The trees of all services, in the order of the document.
pub(crate) fn trees(rows: &[NameRow]) -> Vec<ServiceNames> {
    let mut trees: Vec<ServiceNames> = Vec::new();
    for global in rows.iter().filter(|row| row.level == LevelKind::Global) {
        let of_service = || rows.iter().filter(|row| row.service == global.service);
        trees.push(ServiceNames {
            service: global.service.clone(),
            vanity: of_service()
                .find(|row| row.level == LevelKind::Vanity)
                .cloned(),
            global: node(global, &of_service().collect::<Vec<_>>()),
        });
    }
    trees
}

fn node(row: &NameRow, rows: &[&NameRow]) -> Node {
    let is_below = |other: &&&NameRow| {
        other.level != LevelKind::Vanity && other.falls_back_to.as_ref() == Some(&row.host)
    };
    Node {
        row: row.clone(),
        below: rows
            .iter()
            .filter(is_below)
            .map(|row| node(row, rows))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_walkthrough_has_four_names() {
        let mut mesh = shared::Mesh::from_value(&crate::document::start::walkthrough()).0;
        mesh.spec.services[0].clusters = Some(vec!["cluster2".into()]);
        let resolved = shared::check(&mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        let trees = super::trees(&shared::resolved::published::rows(&resolved));
        let [tree] = trees.as_slice() else {
            panic!("{trees:?}")
        };
        assert_eq!(
            tree.vanity.as_ref().unwrap().host,
            "httpbin.my.dns.zone.name"
        );
        assert_eq!(tree.global.below.len(), 1);
        let zones = &tree.global.below[0].below;
        let seen: Vec<(String, bool)> = zones.iter().map(|z| (z.place(), z.falls_back())).collect();
        assert_eq!(
            seen,
            [
                ("us-west2-a".to_owned(), true),
                ("us-west2-b".to_owned(), false)
            ]
        );
    }
}
