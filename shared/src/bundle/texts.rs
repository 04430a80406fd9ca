//! The texts of files that hold the objects themselves: with the engine `direct`.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::{BETWEEN, FileEntry, TextFile, document};
use crate::engine::path;
use crate::kubernetes::object::Wave;
use crate::origin::Origin;
use crate::placed::{Difference, Placed};
use crate::resolved::Resolved;

/// The files of some objects, which share no file with other objects. A text that is the same in several clusters is
/// written once.
pub(super) fn write(mut placed: Vec<Placed>, resolved: &Resolved) -> Vec<TextFile> {
    placed.sort_by_cached_key(|one| {
        let object = &one.template;
        (object.kind.wave, one.subject.clone(), object.key())
    });
    placed
        .chunk_by(|one, other| file_of(one) == file_of(other))
        .flat_map(|together| in_each_cluster(together, resolved))
        .collect()
}

fn file_of(one: &Placed) -> (Wave, &str) {
    (one.template.kind.wave, &one.subject)
}

/// One file in each of the clusters, of objects in order.
fn in_each_cluster(objects: &[Placed], resolved: &Resolved) -> Vec<TextFile> {
    let (wave, subject) = file_of(&objects[0]);
    let templates: Vec<OnceCell<String>> = objects.iter().map(|_| OnceCell::new()).collect();
    // Clusters with the same objects and differences have the same text.
    let mut known: Vec<(Vec<Option<&[Difference]>>, TextFile)> = Vec::new();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        let here: Vec<Option<&[Difference]>> = objects
            .iter()
            .map(|one| one.differences_in(index))
            .collect();
        if here.iter().all(Option::is_none) {
            continue;
        }
        let place = FileEntry {
            cluster: Some(index),
            path: path(cluster.name.as_str(), wave, subject),
        };
        if let Some((_, file)) = known.iter_mut().find(|(same, _)| *same == here) {
            file.places.push(place);
            continue;
        }
        let mut documents: Vec<(Origin, Cow<'_, str>)> = Vec::new();
        for ((one, template), differences) in objects.iter().zip(&templates).zip(&here) {
            let text = match differences {
                None => None,
                Some([]) => {
                    let text = template.get_or_init(|| document(&one.template));
                    Some(text.into())
                }
                Some(_) => one.in_cluster(index).map(|one| document(&one).into()),
            };
            documents.extend(text.map(|text| (one.origin, text)));
        }
        let (origins, documents): (Vec<_>, Vec<_>) = documents.into_iter().unzip();
        let file = TextFile {
            text: documents.join(BETWEEN),
            origins,
            places: vec![place],
        };
        known.push((here, file));
    }
    known.into_iter().map(|(_, file)| file).collect()
}
