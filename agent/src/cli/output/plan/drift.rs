//! Drift: fields that other managers added to objects of the mesh.

use std::collections::HashMap;
use std::io::{self, Write};

use shared::kubernetes::object::Key;
use shared::plan::Plan;
use shared::plan::drift::Drift;

use super::groups::in_clusters;
use super::{CHANGED, Detail, QUIET, counted, printable};

/// Most objects that are listed without `--full`.
const OBJECTS: usize = 20;

/// An object, and the clusters in which it has the same added fields.
struct Group<'a> {
    object: &'a Key,
    drift: &'a [Drift],
    clusters: Vec<&'a str>,
}

/// Writes the objects with their added fields and the managers of those.
pub(super) fn write(to: &mut impl Write, plan: &Plan, detail: Detail) -> io::Result<()> {
    let groups = groups(plan);
    let count: usize = groups.iter().map(|group| group.clusters.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let objects = counted(count, "object");
    writeln!(
        to,
        "\n{CHANGED}Drift{CHANGED:#} of {objects}: fields added by other managers, which an apply keeps"
    )?;
    let shown = match detail {
        Detail::Full => groups.len(),
        Detail::Summary | Detail::Folded => groups.len().min(OBJECTS),
    };
    for group in &groups[..shown] {
        let object = group.object.to_string();
        let clusters = in_clusters(&group.clusters, detail);
        writeln!(to, "  {} {}", printable(&object), printable(&clusters))?;
        for field in group.drift {
            writeln!(to, "      {}", printable(&field.to_string()))?;
        }
    }
    if shown < groups.len() {
        let hidden = groups.len() - shown;
        writeln!(
            to,
            "  {QUIET}… {hidden} more; use --full to show all{QUIET:#}"
        )?;
    }
    Ok(())
}

/// Groups objects by their added fields without the times, since a script needs a minute to edit a hundred clusters.
fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut known: HashMap<(&Key, Vec<[&str; 2]>), usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (cluster, step) in plan.steps().filter(|(_, step)| !step.drift.is_empty()) {
        let fields = step.drift.iter();
        let fields = fields.map(|one| [one.field.as_str(), one.manager.as_str()]);
        let at = *known
            .entry((&step.object, fields.collect()))
            .or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.clusters.push(cluster),
            None => groups.push(Group {
                object: &step.object,
                drift: &step.drift,
                clusters: vec![cluster],
            }),
        }
    }
    groups
}
