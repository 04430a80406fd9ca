//! The page's state: one document with its history; everything else is derived from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::Mesh;
use shared::check::{Finding, Fix, Severity};
use shared::resolved::published::NameRow;

use super::history::History;
use crate::browser::signals::*;
use crate::form::field::Field;
use crate::result::counts::{Counts, is_gap};
use crate::workers::rendering::{Checks, Manifests};
use crate::workers::simulated::Simulated;

/// A tab of the right half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Manifests,
    Names,
    Findings,
}

/// The view that fills the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Page {
    #[default]
    Edit,
    Review,
}

/// The half that a narrow window shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Half {
    #[default]
    Form,
    Result,
}

/// The result of the checks, with the document that was checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) of: Arc<Mesh>,
    pub(crate) checks: Checks,
}

/// Manifests, with the document that they were rendered from.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) of: Arc<Mesh>,
    pub(crate) manifests: Manifests,
}

/// A simulation, with the document and the outage.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) of: Arc<Mesh>,
    pub(crate) down: Vec<String>,
    pub(crate) answers: Simulated,
}

/// A message that is not about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) is_failure: bool,
    pub(crate) text: String,
    pub(crate) hint: String,
    /// A text that the user can download, so that it is not lost.
    pub(crate) rescue: Option<String>,
}

/// The state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    history: RwSignal<History>,
    /// Paths of fields that were left, or were valid before: their errors are shown.
    touched: RwSignal<BTreeSet<String>>,
    /// A shared copy of the document.
    mesh: Memo<Arc<Mesh>>,
    /// Findings and names of the last document that was checked.
    checked: RwSignal<Option<Arc<Checked>>>,
    /// For each service, see [`Checks::published`].
    pub(crate) published: Memo<Vec<(String, usize)>>,
    /// Whether all errors of the next document that is checked are shown.
    shows_all: RwSignal<bool>,
    /// The manifests of the last document without errors that was rendered.
    pub(crate) rendered: RwSignal<Option<Arc<Rendered>>>,
    /// Why the current document has no manifests, if checking or rendering failed.
    pub(crate) unrenderable: RwSignal<Option<String>>,
    /// Whether the names are shown with the simulation of an outage.
    pub(crate) asks_what_if: RwSignal<bool>,
    /// The simulated outage, as `simulate --down` accepts it.
    pub(crate) down: RwSignal<BTreeSet<String>>,
    /// The result of the simulation; of an older document or outage until the worker has responded.
    pub(crate) simulated: RwSignal<Option<Arc<Simulation>>>,
    /// Findings of the import: parts of the files that are not in the document.
    pub(crate) reported: RwSignal<Vec<Finding>>,
    /// The status of the document; `None` before the first checks.
    pub(crate) counts: Memo<Option<Counts>>,
    pub(crate) page: RwSignal<Page>,
    pub(crate) tab: RwSignal<Tab>,
    pub(crate) half: RwSignal<Half>,
    /// Services whose details are open.
    pub(crate) open_services: RwSignal<BTreeSet<usize>>,
    /// The cluster whose files are shown; `None` for all.
    pub(crate) only_cluster: RwSignal<Option<String>>,
    pub(crate) file: RwSignal<Option<String>>,
    pub(crate) notice: RwSignal<Option<Notice>>,
    /// The document that another tab has changed since.
    pub(crate) elsewhere: RwSignal<Option<Mesh>>,
    /// A text for screen readers.
    pub(crate) spoken: RwSignal<String>,
}

impl Store {
    pub(crate) fn new(mesh: Mesh) -> Self {
        let history = RwSignal::new(History::new(mesh));
        let mesh = memo(move || history.with(|history| Arc::new(history.present().clone())));
        let checked: RwSignal<Option<Arc<Checked>>> = RwSignal::default();
        let published = memo(move || {
            let checked = checked.get();
            checked.map_or_else(Vec::new, |checked| checked.checks.published())
        });
        let counts = memo(move || Some(Counts::of(&checked.get()?.checks.findings)));
        Self {
            history,
            touched: RwSignal::default(),
            mesh,
            checked,
            published,
            shows_all: RwSignal::default(),
            rendered: RwSignal::default(),
            unrenderable: RwSignal::default(),
            asks_what_if: RwSignal::default(),
            down: RwSignal::default(),
            simulated: RwSignal::default(),
            reported: RwSignal::default(),
            counts,
            page: RwSignal::default(),
            tab: RwSignal::default(),
            half: RwSignal::default(),
            open_services: RwSignal::default(),
            only_cluster: RwSignal::default(),
            file: RwSignal::default(),
            notice: RwSignal::default(),
            elsewhere: RwSignal::default(),
            spoken: RwSignal::default(),
        }
    }

    /// Reads the document, and follows it.
    pub(crate) fn with<T>(self, read: impl FnOnce(&Mesh) -> T) -> T {
        self.history.with(|history| read(history.present()))
    }

    /// The document, without following it.
    pub(crate) fn now(self) -> Mesh {
        self.history
            .with_untracked(|history| history.present().clone())
    }

    /// Stores the result of the checks.
    pub(crate) fn take(self, checked: Checked) {
        if self.shows_all.get_untracked() {
            self.shows_all.set(false);
            let findings = checked.checks.findings.iter();
            let paths = findings.filter(|f| !is_gap(f)).map(|f| f.path.clone());
            self.touched.update(|touched| touched.extend(paths));
        }
        self.checked.set(Some(Arc::new(checked)));
    }

    /// The document, if its current version was not checked yet.
    pub(crate) fn unchecked(self) -> Option<Arc<Mesh>> {
        let mesh = self.mesh.get();
        let checked = self.checked.get();
        (!checked.is_some_and(|checked| checked.of == mesh)).then_some(mesh)
    }

    /// Findings of the import, followed by those of the last checks.
    pub(crate) fn findings(self) -> Vec<Finding> {
        let mut findings = self.reported.get();
        if let Some(checked) = self.checked.get() {
            findings.extend_from_slice(&checked.checks.findings);
        }
        findings
    }

    /// The published names of the last document that was checked, unless it has errors.
    pub(crate) fn names(self) -> Option<Vec<NameRow>> {
        self.checked.get()?.checks.names.clone()
    }

    /// Whether the last document that was checked has no errors, so that its manifests are ready or will be soon.
    pub(crate) fn is_good(self) -> bool {
        self.checked.with(|checked| {
            let checked = checked.as_ref();
            checked.is_some_and(|checked| checked.checks.names.is_some())
        })
    }

    /// A shared copy of the document, without following it.
    pub(crate) fn shared(self) -> Arc<Mesh> {
        self.mesh.get_untracked()
    }

    /// The document, if it has no errors and was not rendered yet.
    pub(crate) fn unrendered(self) -> Option<Arc<Mesh>> {
        let mesh = self.mesh.get();
        let rendered = self.rendered.get();
        let is_there = rendered.is_some_and(|rendered| rendered.of == mesh);
        let is_good = self.is_good() && self.unchecked().is_none();
        (is_good && !is_there).then_some(mesh)
    }

    /// The document, if the current outage was not simulated yet.
    pub(crate) fn unsimulated(self) -> Option<Arc<Mesh>> {
        if !(self.asks_what_if.get() && self.is_good() && self.unchecked().is_none()) {
            return None;
        }
        let mesh = self.mesh.get();
        let down = self.down.get();
        let last = self.simulated.get();
        let is_known = last.is_some_and(|last| last.of == mesh && down.iter().eq(&last.down));
        (!is_known).then_some(mesh)
    }

    /// Changes the document, as one step of undo.
    pub(crate) fn edit(self, change: impl FnOnce(&mut Mesh)) {
        self.history.update(|history| history.edit(None, change));
    }

    /// Sets the text of a field; consecutive changes of one field are one step of undo.
    pub(crate) fn type_into(self, field: Field, text: &str) {
        let path = field.path();
        self.history
            .update(|h| h.edit(Some(&path), |mesh| field.set(mesh, text)));
    }

    /// Replaces the document, and shows all its errors.
    pub(crate) fn open(self, mesh: Mesh) {
        self.touched.update(BTreeSet::clear);
        self.shows_all.set(true);
        self.edit(|present| *present = mesh);
        self.open_services.update(BTreeSet::clear);
        self.only_cluster.set(None);
        self.file.set(None);
        self.reported.set(Vec::new());
        self.page.set(Page::Edit);
    }

    pub(crate) fn undo(self) {
        self.history.update(History::undo);
    }

    pub(crate) fn redo(self) {
        self.history.update(History::redo);
    }

    pub(crate) fn can_undo(self) -> bool {
        self.history.with(History::can_undo)
    }

    pub(crate) fn can_redo(self) -> bool {
        self.history.with(History::can_redo)
    }

    /// Handles the focus of a field: if it is valid, errors are shown at once from now on.
    pub(crate) fn enter(self, field: Field) {
        let path = field.path();
        let is_good =
            !field.get(&self.now()).is_empty() && untrack(|| self.errors_at(&path)).is_empty();
        if is_good {
            self.touched.update(|touched| _ = touched.insert(path));
        }
    }

    /// Handles a field that loses the focus.
    pub(crate) fn leave(self, field: Field) {
        self.history.update(History::rest);
        self.touched
            .update(|touched| _ = touched.insert(field.path()));
    }

    /// Hides the errors of fields below a path until they are left again, since rows have moved.
    pub(crate) fn forget_touched(self, prefix: &str) {
        self.touched
            .update(|touched| touched.retain(|path| !path.starts_with(prefix)));
    }

    /// The errors that are shown at a field.
    pub(crate) fn shown_errors(self, path: &str) -> Vec<Finding> {
        if self.touched.with(|touched| is_touched(touched, path)) {
            self.errors_at(path)
        } else {
            Vec::new()
        }
    }

    /// All errors at a field.
    pub(crate) fn errors_at(self, path: &str) -> Vec<Finding> {
        self.found_at(path, |severity| severity == Severity::Error)
    }

    /// Warnings and hints about the text in a field. Those about an empty field are only in the list of findings, since
    /// most fields are optional.
    pub(crate) fn notes_at(self, field: Field) -> Vec<Finding> {
        if self.with(|mesh| field.get(mesh)).is_empty() {
            return Vec::new();
        }
        self.found_at(&field.path(), |severity| severity != Severity::Error)
    }

    fn found_at(self, path: &str, is_shown: fn(Severity) -> bool) -> Vec<Finding> {
        let Some(checked) = self.checked.get() else {
            return Vec::new();
        };
        let findings = checked.checks.findings.iter();
        let found = findings.filter(|f| is_shown(f.severity) && is_at(&f.path, path));
        found.cloned().collect()
    }

    /// Opens what hides the field of a finding, and focuses the field.
    pub(crate) fn go_to(self, path: &str) {
        self.page.set(Page::Edit);
        self.half.set(Half::Form);
        if let Some(service) = path.strip_prefix("spec.services[")
            && let Some((index, field)) = service.split_once("].")
            && let Ok(index) = index.parse()
            && ["clusters", "routes", "callers", "selector"]
                .iter()
                .any(|inside| field.starts_with(inside))
        {
            self.open_services.update(|open| _ = open.insert(index));
        }
        let path = path.to_owned();
        // After the page has been drawn with it open.
        crate::browser::next_frame(move || {
            if let Some(element) = crate::browser::element_at(&path) {
                crate::browser::focus(&element);
            }
        });
    }

    /// Applies the fix of a finding.
    pub(crate) fn fix(self, fix: &Fix) {
        match fix.apply(&self.now()) {
            Some(fixed) => self.edit(|mesh| *mesh = fixed),
            None => self.fail(
                format!("`{}` has changed since the check", fix.path),
                "Check the finding again.",
            ),
        }
    }

    /// Shows an error.
    pub(crate) fn fail(self, text: impl Into<String>, hint: impl Into<String>) {
        let (text, hint) = (text.into(), hint.into());
        self.notice.set(Some(Notice {
            is_failure: true,
            text,
            hint,
            rescue: None,
        }));
    }

    /// Shows a message of success.
    pub(crate) fn emit(self, text: impl Into<String>) {
        let (text, hint) = (text.into(), String::new());
        self.notice.set(Some(Notice {
            is_failure: false,
            text,
            hint,
            rescue: None,
        }));
    }
}

/// Whether a finding's path is that of a field, or of a part of it such as one of its addresses.
fn is_at(finding: &str, field: &str) -> bool {
    // One field is for both `zone` and `zones`.
    let has_list = field.rsplit('.').next() == Some("zone");
    let is_list = |rest: &str| has_list && rest.starts_with("s[");
    finding
        .strip_prefix(field)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('[') || is_list(rest))
}

fn is_touched(touched: &BTreeSet<String>, path: &str) -> bool {
    touched.contains(path) || touched.iter().any(|t| is_at(t, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::field::ClusterField;
    use crate::form::template;

    /// Checks the document as the worker does.
    fn check(store: Store) {
        if let Some(of) = untrack(|| store.unchecked()) {
            let checks = Checks::from(shared::check(&of, &shared::facts::Facts::default()));
            store.take(Checked { of, checks });
        }
    }

    #[test]
    fn a_finding_belongs_to_one_field() {
        assert!(is_at("spec.clusters[1].zone", "spec.clusters[1].zone"));
        assert!(is_at("spec.clusters[1].zones[2]", "spec.clusters[1].zone"));
        assert!(is_at(
            "spec.services[0].routes[2]",
            "spec.services[0].routes"
        ));
        assert!(!is_at("spec.dns.externalDns.provider", "spec.dns"));
        assert!(!is_at("spec.clusters[10].zone", "spec.clusters[1].zone"));
    }

    #[test]
    fn errors_are_shown_once_a_field_was_left() {
        let owner = Owner::new();
        let store = owner.with(|| Store::new(template::start()));
        let path = Field::Suffix.path();
        check(store);
        store.enter(Field::Suffix);
        store.type_into(Field::Suffix, "my.");
        check(store);
        assert!(
            store.shown_errors(&path).is_empty(),
            "a first value is being typed"
        );
        store.leave(Field::Suffix);
        assert_eq!(store.shown_errors(&path).len(), 1);
        store.type_into(Field::Suffix, "my.zone");
        check(store);
        assert!(store.shown_errors(&path).is_empty());
    }

    #[test]
    fn a_valid_field_shows_its_errors_at_once() {
        let owner = Owner::new();
        let store = owner.with(|| Store::new(template::walkthrough()));
        check(store);
        store.enter(Field::Suffix);
        store.type_into(Field::Suffix, "my..zone");
        check(store);
        assert_eq!(store.shown_errors(&Field::Suffix.path()).len(), 1);
    }

    #[test]
    fn warnings_are_shown_at_fields_with_a_text() {
        let owner = Owner::new();
        let store = owner.with(|| Store::new(template::walkthrough()));
        let cluster_ip = Field::Cluster(1, ClusterField::ClusterIp);
        let codes = |field: Field| -> Vec<String> {
            let notes = store.notes_at(field).into_iter();
            notes.map(|note| note.code).collect()
        };
        store.type_into(cluster_ip, "10.96.0.10");
        store.type_into(Field::Endpoints, "names");
        check(store);
        assert_eq!(codes(cluster_ip), ["FM0542"]);
        assert!(codes(Field::Endpoints).is_empty());
        store.type_into(Field::Target, "karmada");
        store.type_into(Field::Endpoints, "addresses");
        check(store);
        assert_eq!(codes(Field::Endpoints), ["FM0541"]);
        assert!(codes(cluster_ip).is_empty());
        // FM0208: the addresses are missing.
        let addresses = Field::Cluster(1, ClusterField::Addresses);
        let found = store.findings();
        assert!(found.iter().any(|finding| finding.path == addresses.path()));
        assert!(codes(addresses).is_empty());
    }

    #[test]
    fn a_valid_document_is_rendered_once() {
        let owner = Owner::new();
        let store = owner.with(|| Store::new(template::start()));
        check(store);
        assert!(!store.is_good() && store.unrendered().is_none());
        store.open(template::walkthrough());
        assert!(store.unrendered().is_none(), "not checked yet");
        check(store);
        let of = store.unrendered().unwrap();
        assert_eq!(*of, template::walkthrough());
        store.rendered.set(Some(Arc::new(Rendered {
            of,
            manifests: Manifests::default(),
        })));
        assert!(store.unrendered().is_none());
        store.type_into(Field::Suffix, "");
        check(store);
        assert!(!store.is_good() && store.unrendered().is_none());
        assert!(
            store.rendered.get().is_some(),
            "the previous manifests stay"
        );
        store.undo();
        check(store);
        assert!(store.is_good() && store.unrendered().is_none());
        store.type_into(Field::Suffix, "other.zone");
        check(store);
        assert!(store.unrendered().is_some());
    }

    #[test]
    fn all_errors_of_an_opened_document_are_shown() {
        let owner = Owner::new();
        let store = owner.with(|| Store::new(template::start()));
        check(store);
        assert_eq!(store.counts.get().unwrap().gaps, 5);
        let mut mesh = template::walkthrough();
        mesh.spec.dns.suffix = "Bad".to_owned();
        store.open(mesh);
        check(store);
        assert_eq!(store.shown_errors(&Field::Suffix.path()).len(), 1);
    }
}
