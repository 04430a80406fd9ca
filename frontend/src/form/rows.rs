//! Rows of the tables: adds, removes and pastes them.

use shared::mesh::{Cluster, Mesh};

use super::field::{ClusterField, Field};

/// Whether a service runs in a cluster.
pub(crate) fn runs_in(mesh: &Mesh, service: usize, cluster: &str) -> bool {
    mesh.spec
        .services
        .get(service)
        .and_then(|service| service.clusters.as_ref())
        .is_none_or(|clusters| clusters.iter().any(|name| name == cluster))
}

/// Sets whether a service runs in a cluster. All clusters are written as no list, so that the service also runs
/// in clusters that are added later.
pub(crate) fn set_runs_in(mesh: &mut Mesh, service: usize, cluster: &str, runs: bool) {
    let all: Vec<String> = mesh.spec.clusters.iter().map(|c| c.name.clone()).collect();
    let Some(service) = mesh.spec.services.get_mut(service) else {
        return;
    };
    let mut chosen = service.clusters.clone().unwrap_or_else(|| all.clone());
    chosen.retain(|name| name != cluster);
    if runs {
        chosen.push(cluster.to_owned());
    }
    let unknown: Vec<String> = chosen
        .iter()
        .filter(|name| !all.contains(name))
        .cloned()
        .collect();
    let in_order: Vec<String> = all
        .iter()
        .filter(|name| chosen.contains(name))
        .cloned()
        .chain(unknown.clone())
        .collect();
    let is_all = unknown.is_empty() && in_order.len() == all.len();
    service.clusters = (!is_all).then_some(in_order);
}

/// The cells of a text that was copied from a spreadsheet or a comma-separated file; `None` for a single cell,
/// which the browser pastes itself.
pub(crate) fn cells(text: &str) -> Option<Vec<Vec<String>>> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let separator = match (lines.iter().any(|l| l.contains('\t')), lines.len() > 1) {
        (true, _) => '\t',
        (false, true) => ',',
        (false, false) => return None,
    };
    let mut rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            line.split(separator)
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect();
    if rows.first().is_some_and(|row| is_heading(row)) {
        rows.remove(0);
    }
    Some(rows)
}

fn is_heading(row: &[String]) -> bool {
    let is_label = |cell: &String| {
        ClusterField::COLUMNS
            .iter()
            .any(|f| Field::Cluster(0, *f).label().eq_ignore_ascii_case(cell))
    };
    row.len() > 1 && row.iter().all(is_label)
}

/// Puts cells into the clusters, from a row and a column on; missing rows are added.
pub(crate) fn paste_clusters(
    mesh: &mut Mesh,
    row: usize,
    column: ClusterField,
    cells: &[Vec<String>],
) {
    let first = ClusterField::COLUMNS
        .iter()
        .position(|field| *field == column)
        .unwrap_or(0);
    for (offset, cells) in cells.iter().enumerate() {
        let index = row + offset;
        while mesh.spec.clusters.len() <= index {
            mesh.spec.clusters.push(Cluster::default());
        }
        for (field, text) in ClusterField::COLUMNS[first..].iter().zip(cells) {
            Field::Cluster(index, *field).set(mesh, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::template;

    #[test]
    fn rows_of_a_spreadsheet_become_clusters() {
        let text = "Name\tRegion\tZone\nwest\tus-west1\tus-west1-a\r\neast\tus-east1\tus-east1-b\n";
        let mut mesh = template::start();
        paste_clusters(&mut mesh, 1, ClusterField::Name, &cells(text).unwrap());
        let rows: Vec<[&str; 3]> = mesh
            .spec
            .clusters
            .iter()
            .map(|c| [&*c.name, &*c.region, &*c.zone])
            .collect();
        assert_eq!(
            rows,
            [
                ["cluster1", "", ""],
                ["west", "us-west1", "us-west1-a"],
                ["east", "us-east1", "us-east1-b"]
            ]
        );
    }

    #[test]
    fn commas_separate_cells_only_in_several_lines() {
        assert_eq!(cells("203.0.113.1, 203.0.113.2"), None);
        assert_eq!(
            cells("a,b\nc,d"),
            Some(vec![
                vec!["a".into(), "b".into()],
                vec!["c".into(), "d".into()]
            ])
        );
        let mut mesh = template::start();
        paste_clusters(
            &mut mesh,
            0,
            ClusterField::Region,
            &cells("r1,z1\nr1,z2").unwrap(),
        );
        assert_eq!(mesh.spec.clusters[1].zone, "z2");
        assert_eq!(mesh.spec.clusters[1].name, "cluster2");
    }

    #[test]
    fn all_clusters_are_written_as_no_list() {
        let mut mesh = template::walkthrough();
        set_runs_in(&mut mesh, 0, "cluster1", false);
        assert_eq!(
            mesh.spec.services[0].clusters,
            Some(vec!["cluster2".into()])
        );
        assert!(!runs_in(&mesh, 0, "cluster1") && runs_in(&mesh, 0, "cluster2"));
        set_runs_in(&mut mesh, 0, "cluster1", true);
        assert_eq!(mesh.spec.services[0].clusters, None);
    }
}
