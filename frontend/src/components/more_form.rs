//! Fields that most users leave unchanged: engine, version, samples, images.

use shared::mesh::{Sample, Target};

use super::field::{select_field, text_field};
use crate::browser::dom::{El, el, el_in, is_ticked, text};
use crate::form::field::Field;
use crate::state::Store;

pub(crate) fn more_form(store: Store) -> El {
    let targets = || {
        let option = |target: Target| {
            let (name, destination) = (target.as_str(), target.description().destination);
            (name.to_owned(), format!("{name}: {destination}"))
        };
        Target::all().map(option).collect()
    };
    let fields = el_in("div", "fields")
        .all(select_field(store, Field::Target, "w8", targets))
        .all(text_field(store, Field::Istio, "w4 whole", ""))
        .add(samples(store));
    let has_repository = move || {
        let target = store.with(|mesh| mesh.spec.target);
        target.is_some_and(Target::is_applied_by_others)
    };
    let repository = el_in("div", "fields")
        .flag("hidden", move || !has_repository())
        .all(text_field(store, Field::RepoUrl, "w8", ""))
        .all(text_field(store, Field::RepoPath, "w4 whole", ""))
        .all(text_field(store, Field::RepoBranch, "w4 half", ""))
        .all(text_field(store, Field::RepoSecret, "w8 half", ""));
    let seldom = el_in("div", "fields")
        .all(text_field(
            store,
            Field::ExternalDnsNamespace,
            "w4 whole",
            "",
        ))
        .all(text_field(store, Field::ExternalDnsImage, "w8", ""))
        .all(text_field(store, Field::HttpbinImage, "w6", ""))
        .all(text_field(store, Field::SleepImage, "w6", ""));
    el("section")
        .attr("aria-labelledby", "heading-more")
        .add(text("h2", "More").id("heading-more"))
        .add(fields)
        .add(repository)
        .add(
            el_in("details", "fold")
                .add(text("summary", "Images and namespaces"))
                .add(seldom),
        )
}

fn samples(store: Store) -> El {
    let ticks = el_in("div", "ticks").all(Sample::ALL.map(|sample| tick(store, sample)));
    el_in("fieldset", "field w12")
        .id("spec.samples")
        .attr("tabindex", "-1")
        .add(text("legend", "Samples"))
        .add(ticks)
}

fn tick(store: Store, sample: Sample) -> El {
    let tick = el("input")
        .attr("type", "checkbox")
        .id(&format!("sample-{}", sample.as_str()))
        .prop("checked", move || {
            store
                .with(|mesh| mesh.spec.samples.contains(&sample))
                .into()
        })
        .on("change", move |event| {
            let desired = is_ticked(&event);
            // In the order of the list, whatever the order of the clicks.
            store.edit(|mesh| {
                let before = std::mem::take(&mut mesh.spec.samples);
                let keep = |s: &Sample| {
                    if *s == sample {
                        desired
                    } else {
                        before.contains(s)
                    }
                };
                mesh.spec.samples = Sample::ALL.into_iter().filter(keep).collect();
            });
        });
    el_in("label", "tick").add(tick).text(sample.as_str())
}
