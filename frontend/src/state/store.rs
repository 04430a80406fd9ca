//! The page's state: one document with its history; everything else is derived from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use shared::check::{Finding, Fix};
use shared::resolved::published::NameRow;

use super::delivered::{Delivered, Deliveries};
use super::findings::{Findings, field_of};
use super::search::ManifestSearch;
use crate::browser;
use crate::document::history::{History, Written};
use crate::document::{path, start, value};
use crate::form::{field, layout};
use crate::result::counts::{Counts, is_gap};
use crate::workers::calls::Calls;
use crate::workers::changes::Changes;
use crate::workers::reading::Unreadable;
use crate::workers::rendering::{Checks, Manifests, Published};
use crate::workers::simulated::Simulated;
use crate::workers::text::Made;

/// A tab of the right half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Manifests,
    /// Where the clusters are, and who answers their calls.
    Map,
    /// What differs from the version that was downloaded or applied last.
    Changes,
    Names,
    Findings,
    /// The document as text.
    Text,
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
    pub(crate) of: Arc<Value>,
    pub(crate) checks: Checks,
    /// The findings by their fields.
    pub(crate) at: Findings,
}

/// All published names, with the document.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) of: Arc<Value>,
    pub(crate) names: Vec<NameRow>,
}

/// The files of a bundle, with the document that they were rendered from.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) of: Arc<Value>,
    pub(crate) manifests: Manifests,
}

/// The file that is looked at, with the document that it was rendered from.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) of: Arc<Value>,
    pub(crate) path: String,
    pub(crate) text: String,
    /// The path of the part of the document that each of its objects derives from.
    pub(crate) origins: Vec<String>,
}

/// A simulation, with the document and the outage.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) of: Arc<Value>,
    pub(crate) down: Vec<String>,
    pub(crate) answers: Simulated,
}

/// The calls for a service, with the document and the outage.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) of: Arc<Value>,
    pub(crate) service: String,
    pub(crate) down: Vec<String>,
    pub(crate) calls: Arc<Calls>,
}

/// The differences between the bundles of two documents.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) before: Arc<Value>,
    pub(crate) after: Arc<Value>,
    pub(crate) changes: Changes,
}

/// The text of the document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextOf {
    /// The document, and the text that it was made from.
    pub(crate) of: Written,
    pub(crate) made: Made,
}

/// Why a typed text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) text: Arc<str>,
    pub(crate) why: Unreadable,
}

/// A message that is not about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) is_failure: bool,
    pub(crate) text: String,
    pub(crate) hint: String,
    pub(crate) action: Option<Action>,
}

/// What a message offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// To download a text, so that it is not lost.
    Rescue(String),
    /// To show the commands that apply the downloaded manifests.
    ShowCommands,
}

/// The state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    pub(super) history: RwSignal<History>,
    /// Fields that were left, or were valid before: their errors are shown.
    touched: RwSignal<BTreeSet<String>>,
    /// The document.
    pub(crate) document: Memo<Arc<Value>>,
    /// Whether the text was typed and is not read yet: until then only the text can be changed.
    pub(crate) is_unread: Memo<bool>,
    /// The error of the text that was typed last, if it cannot be read.
    pub(crate) unreadable: RwSignal<Option<Unread>>,
    /// The text of the document, while it is shown.
    pub(crate) text_of: RwSignal<Option<Arc<TextOf>>>,
    /// Findings and services of the last document that was checked.
    pub(crate) checked: RwSignal<Option<Arc<Checked>>>,
    /// The services of the last document that was checked, unless it has errors.
    pub(crate) published: Memo<Vec<Published>>,
    /// All published names; of an older document until the worker has responded.
    pub(crate) named: RwSignal<Option<Arc<Named>>>,
    /// Whether all errors of the next document that is checked are shown.
    shows_all: RwSignal<bool>,
    /// The files of the last document without errors that was rendered.
    pub(crate) rendered: RwSignal<Option<Arc<Rendered>>>,
    /// The file that is looked at; of a later document than the list of files while that is rendered.
    pub(crate) view: RwSignal<Option<Arc<View>>>,
    /// The path of the file that is to be shown.
    pub(crate) shown_file: RwSignal<Option<String>>,
    /// The search in the manifests.
    pub(crate) search: ManifestSearch,
    /// How many parts of the manifests are rendered, and how many there are, while they are rendered.
    pub(crate) rendering: RwSignal<Option<(usize, usize)>>,
    /// Why the current document has no manifests, if checking or rendering failed.
    pub(crate) unrenderable: RwSignal<Option<String>>,
    /// Whether the names are shown with the simulation of an outage.
    pub(crate) asks_what_if: RwSignal<bool>,
    /// The simulated outage, as `simulate --down` accepts it.
    pub(crate) down: RwSignal<BTreeSet<String>>,
    /// The result of the simulation; of an older document or outage until the worker has responded.
    pub(crate) simulated: RwSignal<Option<Arc<Simulation>>>,
    /// The service that was chosen on the map.
    pub(crate) chosen_service: RwSignal<Option<String>>,
    /// The calls that the map shows; of an older document or outage until the worker has responded.
    pub(crate) mapped: RwSignal<Option<Arc<Mapped>>>,
    /// The documents that were downloaded or applied last.
    pub(crate) deliveries: RwSignal<Deliveries>,
    /// That of this mesh.
    pub(crate) delivered: Memo<Option<Delivered>>,
    /// What differs from it; of an older document until the worker has responded.
    pub(crate) compared: RwSignal<Option<Arc<Compared>>>,
    /// Why the last comparison failed.
    pub(crate) incomparable: RwSignal<Option<String>>,
    /// Findings of the import: parts of the files that are not in the document.
    pub(crate) reported: RwSignal<Vec<Finding>>,
    /// The status of the document; `None` before the first checks.
    pub(crate) counts: Memo<Option<Counts>>,
    /// Whether the dialog with the commands that apply the manifests is open.
    pub(crate) shows_commands: RwSignal<bool>,
    /// Whether the dialog for a new document is open.
    pub(crate) is_starting: RwSignal<bool>,
    pub(crate) page: RwSignal<Page>,
    pub(crate) tab: RwSignal<Tab>,
    pub(crate) half: RwSignal<Half>,
    /// Paths of rows, objects and lists whose details are open.
    pub(crate) open: RwSignal<BTreeSet<String>>,
    /// The field that has the focus: its help is shown.
    pub(crate) focused: RwSignal<Option<String>>,
    /// A path that is to be shown, also in a part of a table that is not drawn.
    pub(crate) target: RwSignal<Option<String>>,
    /// The cluster whose files are shown; `None` for all.
    pub(crate) only_cluster: RwSignal<Option<String>>,
    pub(crate) file: RwSignal<Option<String>>,
    pub(crate) notice: RwSignal<Option<Notice>>,
    /// The document that another tab has changed since.
    pub(crate) elsewhere: RwSignal<Option<Written>>,
    /// Whether it was said that the browser stores nothing.
    has_warned: StoredValue<bool>,
    /// A text for screen readers.
    pub(crate) spoken: RwSignal<String>,
}

impl Store {
    pub(crate) fn new(history: History) -> Self {
        let history = RwSignal::new(history);
        let document = Memo::new(move |_| history.with(|history| history.present().clone()));
        let checked: RwSignal<Option<Arc<Checked>>> = RwSignal::new(None);
        let published = Memo::new(move |_| {
            let checked = checked.get();
            let services = checked.and_then(|checked| checked.checks.services.clone());
            services.unwrap_or_default()
        });
        let deliveries = RwSignal::new(Deliveries::default());
        let mesh = Memo::new(move |_| {
            document.with(|document| value::text(document, start::NAME).to_owned())
        });
        let delivered =
            Memo::new(move |_| deliveries.with(|all| mesh.with(|mesh| all.of(mesh).cloned())));
        let counts = Memo::new(move |_| Some(Counts::of(&checked.get()?.checks.findings)));
        Self {
            history,
            touched: RwSignal::default(),
            document,
            is_unread: Memo::new(move |_| history.with(|history| history.written().is_unread)),
            unreadable: RwSignal::default(),
            text_of: RwSignal::new(None),
            checked,
            published,
            named: RwSignal::new(None),
            shows_all: RwSignal::default(),
            rendered: RwSignal::new(None),
            view: RwSignal::new(None),
            shown_file: RwSignal::default(),
            search: ManifestSearch::default(),
            rendering: RwSignal::default(),
            unrenderable: RwSignal::default(),
            asks_what_if: RwSignal::default(),
            down: RwSignal::default(),
            simulated: RwSignal::new(None),
            chosen_service: RwSignal::default(),
            mapped: RwSignal::new(None),
            deliveries,
            delivered,
            compared: RwSignal::new(None),
            incomparable: RwSignal::default(),
            reported: RwSignal::default(),
            counts,
            shows_commands: RwSignal::default(),
            is_starting: RwSignal::default(),
            page: RwSignal::default(),
            tab: RwSignal::default(),
            half: RwSignal::default(),
            open: RwSignal::default(),
            focused: RwSignal::default(),
            target: RwSignal::default(),
            only_cluster: RwSignal::default(),
            file: RwSignal::default(),
            notice: RwSignal::default(),
            elsewhere: RwSignal::default(),
            has_warned: StoredValue::new(false),
            spoken: RwSignal::default(),
        }
    }

    /// Reads the document, and follows it.
    pub(crate) fn with<T>(self, read: impl FnOnce(&Value) -> T) -> T {
        self.document.with(|document| read(document))
    }

    /// The document, without following it.
    pub(crate) fn now(self) -> Arc<Value> {
        self.document.get_untracked()
    }

    /// Reads the document with its history, and follows both.
    pub(crate) fn with_history<T>(self, read: impl FnOnce(&History) -> T) -> T {
        self.history.with(read)
    }

    /// The document with the text that a person wrote, without following them.
    pub(crate) fn written(self) -> Written {
        self.history
            .with_untracked(|history| history.written().clone())
    }

    /// The text of a field, which follows the document.
    pub(crate) fn text(self, path: String) -> Memo<String> {
        Memo::new(move |_| self.with(|document| field::text_of(document, &path)))
    }

    /// Whether a field is set, which follows the document.
    pub(crate) fn is_set(self, path: &str) -> bool {
        self.with(|document| value::get(document, path).is_some())
    }

    /// Stores the result of the checks.
    pub(crate) fn take(self, of: Arc<Value>, checks: Checks) {
        if self.shows_all.get_untracked() {
            self.shows_all.set(false);
            let findings = checks.findings.iter();
            let fields = findings
                .filter(|f| !is_gap(f))
                .filter_map(|f| field_of(&f.path));
            self.touched.update(|touched| touched.extend(fields));
        }
        let at = Findings::new(&checks.findings);
        self.checked.set(Some(Arc::new(Checked { of, checks, at })));
    }

    /// Findings of the import, followed by those of the last checks.
    pub(crate) fn findings(self) -> Vec<Finding> {
        let mut findings = self.reported.get();
        if let Some(checked) = self.checked.get() {
            findings.extend_from_slice(&checked.checks.findings);
        }
        findings
    }

    /// The number of [`Self::findings`].
    pub(crate) fn finding_count(self) -> usize {
        let checked = self.checked.with(|checked| {
            let checked = checked.as_ref();
            checked.map_or(0, |checked| checked.checks.findings.len())
        });
        self.reported.with(Vec::len) + checked
    }

    /// The services of the last document that was checked, as `<name>.<namespace>`, unless it has errors.
    pub(crate) fn service_ids(self) -> Vec<String> {
        self.published
            .with(|all| all.iter().map(|one| one.service.clone()).collect())
    }

    /// The service whose calls the map shows: the chosen one if there is one, else the first.
    pub(crate) fn map_service(self) -> Option<String> {
        let ids = self.service_ids();
        let chosen = self
            .chosen_service
            .get()
            .filter(|chosen| ids.contains(chosen));
        chosen.or_else(|| ids.into_iter().next())
    }

    /// Whether the last document that was checked has no errors, so that its manifests are ready or will be soon.
    pub(crate) fn is_good(self) -> bool {
        self.checked.with(|checked| {
            let checked = checked.as_ref();
            checked.is_some_and(|checked| checked.checks.services.is_some())
        })
    }

    /// The text as it is typed, until it is read.
    pub(super) fn typed_text(self) -> Option<Arc<str>> {
        self.history.with(|history| {
            let written = history.written();
            written.is_unread.then(|| written.text.clone())
        })
    }

    /// The text to show: as it is typed, or as it was made for the document.
    pub(crate) fn shown_text(self) -> Option<Arc<str>> {
        self.typed_text()
            .or_else(|| self.text_of.get().map(|one| one.made.text.clone()))
    }

    /// The error of the typed text; that of an earlier one while a change of it is read.
    pub(crate) fn text_error(self) -> Option<Unreadable> {
        self.is_unread
            .get()
            .then(|| self.unreadable.get())?
            .map(|unread| unread.why)
    }

    /// Changes the document, as one step of undo.
    pub(crate) fn edit(self, change: impl FnOnce(&mut Value)) {
        if self.accepts_changes() {
            self.history.update(|history| history.edit(change));
        }
    }

    /// Whether the form can change the document; it cannot while the text has an error.
    fn accepts_changes(self) -> bool {
        let accepts = !self.is_unread.get_untracked();
        if !accepts {
            self.fail(
                "The text of the document has an error",
                "Correct it in the Document tab, or undo the change.",
            );
        }
        accepts
    }

    /// Changes the text of the document.
    pub(crate) fn type_text(self, text: &str) {
        self.history.update(|history| history.type_text(text));
    }

    /// Takes the result of reading a text, unless it was changed meanwhile.
    pub(crate) fn take_text(self, text: Arc<str>, read: Result<Value, Unreadable>) {
        let written = self.written();
        if !written.is_unread || written.text != text {
            return;
        }
        match read {
            Ok(document) => {
                self.unreadable.set(None);
                self.history.update(|history| history.read(document));
                // It is the text of this document as it is.
                self.text_of.set(Some(Arc::new(TextOf {
                    of: self.written(),
                    made: Made {
                        text,
                        is_kept: true,
                    },
                })));
            }
            Err(why) => self.unreadable.set(Some(Unread { text, why })),
        }
    }

    /// Ends the step of undo that typing belongs to.
    pub(crate) fn rest(self) {
        self.history.update_untracked(History::rest);
    }

    /// Sets the text of a field; consecutive changes of one field are one step of undo.
    pub(crate) fn type_into(self, path: &str, text: &str) {
        if !self.accepts_changes() {
            return;
        }
        self.history.update(|history| {
            history.type_into(path, |document| field::set(document, path, text));
        });
    }

    /// Replaces the document, and shows all its errors.
    pub(crate) fn open(self, document: impl Into<Written>) {
        self.touched.update(BTreeSet::clear);
        self.shows_all.set(true);
        self.history
            .update(|history| history.replace(document.into()));
        self.open.update(BTreeSet::clear);
        self.only_cluster.set(None);
        self.file.set(None);
        self.search.set_text("");
        self.search.set_part(None);
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
    pub(crate) fn enter(self, path: &str) {
        self.focused.set(Some(path.to_owned()));
        let is_empty = field::text_of(&self.now(), path).is_empty();
        if !is_empty && untrack(|| self.errors_at(path)).is_empty() {
            self.touch(path);
        }
    }

    /// Handles a field that loses the focus.
    pub(crate) fn leave(self, path: &str) {
        self.rest();
        self.touch(path);
    }

    fn touch(self, path: &str) {
        if !self
            .touched
            .with_untracked(|touched| touched.contains(path))
        {
            self.touched
                .update(|touched| _ = touched.insert(path.to_owned()));
        }
    }

    /// Hides the errors of fields below a path until they are left again, and closes their details, since rows have
    /// moved.
    pub(crate) fn forget_below(self, around: &str) {
        let is_kept = |path: &String| !path::is_in(path, around);
        self.touched.update(|touched| touched.retain(is_kept));
        self.open.update(|open| open.retain(is_kept));
    }

    /// The errors that are shown at a field.
    pub(crate) fn shown_errors(self, path: &str) -> Vec<Finding> {
        if self.touched.with(|touched| touched.contains(path)) {
            self.errors_at(path)
        } else {
            Vec::new()
        }
    }

    /// All errors at a field.
    pub(crate) fn errors_at(self, path: &str) -> Vec<Finding> {
        let checked = self.checked.get();
        checked.map_or_else(Vec::new, |checked| checked.at.errors(path))
    }

    /// Warnings and hints about the text in a field. Those about an empty field are only in the list of findings, since
    /// most fields are optional.
    pub(crate) fn notes_at(self, path: &str) -> Vec<Finding> {
        if self.with(|document| field::text_of(document, path).is_empty()) {
            return Vec::new();
        }
        let checked = self.checked.get();
        checked.map_or_else(Vec::new, |checked| checked.at.notes(path))
    }

    /// Whether details are open.
    pub(crate) fn is_open(self, path: &str) -> bool {
        self.open.with(|open| open.contains(path))
    }

    pub(crate) fn set_open(self, path: &str, is_open: bool) {
        self.open.update(|open| {
            if is_open {
                open.insert(path.to_owned());
            } else {
                open.remove(path);
            }
        });
    }

    /// Opens what hides a path, and focuses its field.
    pub(crate) fn go_to(self, path: &str) {
        self.page.set(Page::Edit);
        self.half.set(Half::Form);
        let path = field_of(path).unwrap_or_else(|| path.to_owned());
        if !layout::is_column(&path) {
            let around = path::steps(&path).map(|step| path[..step.end].to_owned());
            let around: BTreeSet<String> = around.collect();
            if self.open.with_untracked(|open| !around.is_subset(open)) {
                self.open.update(|open| open.extend(around));
            }
        }
        self.target.set(Some(path.clone()));
        // After the page has been drawn with it.
        request_animation_frame(move || {
            request_animation_frame(move || {
                if let Some(element) = browser::element_at(&path) {
                    browser::focus(&element);
                }
            });
        });
    }

    /// Applies the fixes of findings, as one step of undo.
    pub(crate) fn fix(self, fixes: &[Fix]) {
        let (mesh, _) = shared::Mesh::from_value(&self.now());
        match Fix::apply_all(fixes, &mesh) {
            Some(changed) => self.edit(|document| {
                crate::document::clusters::typed(document, |mesh| *mesh = changed);
            }),
            None => self.fail(
                "The document has changed since the check",
                "Check the findings again.",
            ),
        }
    }

    /// Shows an error.
    pub(crate) fn fail(self, text: impl Into<String>, hint: impl Into<String>) {
        self.notice.set(Some(Notice {
            is_failure: true,
            text: text.into(),
            hint: hint.into(),
            action: None,
        }));
    }

    /// Says once that the browser stores nothing.
    pub(crate) fn warn_unsaved(self) {
        if !self.has_warned.get_value() {
            self.has_warned.set_value(true);
            self.fail(
                "The browser cannot store the document",
                "Download the Mesh document or copy the link before you close the page.",
            );
        }
    }

    /// Shows a message of success.
    pub(crate) fn emit(self, text: impl Into<String>) {
        self.emit_with(text, None);
    }

    /// Shows a message of success that offers something.
    pub(crate) fn emit_with(self, text: impl Into<String>, action: Option<Action>) {
        self.notice.set(Some(Notice {
            is_failure: false,
            text: text.into(),
            hint: String::new(),
            action,
        }));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SUFFIX: &str = "spec.dns.suffix";

    /// Checks the document as the worker does.
    fn check(store: Store) {
        if let Some(of) = untrack(|| store.unchecked()) {
            let checks = Checks::of(&of);
            store.take(of, checks);
        }
    }

    fn with_store(document: Value, test: impl FnOnce(Store)) {
        let owner = Owner::new();
        owner.with(|| {
            let store = Store::new(History::new(document));
            check(store);
            untrack(|| test(store));
        });
    }

    #[test]
    fn errors_are_shown_once_a_field_was_left() {
        with_store(start::empty(), |store| {
            store.enter(SUFFIX);
            store.type_into(SUFFIX, "my.");
            check(store);
            assert!(
                store.shown_errors(SUFFIX).is_empty(),
                "a first value is being typed"
            );
            store.leave(SUFFIX);
            assert_eq!(store.shown_errors(SUFFIX).len(), 1);
            store.type_into(SUFFIX, "my.zone");
            check(store);
            assert!(store.shown_errors(SUFFIX).is_empty());
        });
    }

    #[test]
    fn a_valid_field_shows_its_errors_at_once() {
        with_store(start::walkthrough(), |store| {
            store.enter(SUFFIX);
            store.type_into(SUFFIX, "my..zone");
            check(store);
            assert_eq!(store.shown_errors(SUFFIX).len(), 1);
        });
    }

    #[test]
    fn warnings_are_shown_at_fields_with_a_text() {
        with_store(start::walkthrough(), |store| {
            let cluster_ip = "spec.clusters[1].gateway.clusterIP";
            let addresses = "spec.clusters[1].gateway.addresses";
            let codes = |path: &str| -> Vec<String> {
                store
                    .notes_at(path)
                    .into_iter()
                    .map(|note| note.code)
                    .collect()
            };
            store.type_into(cluster_ip, "10.96.0.10");
            store.type_into("spec.endpoints", "names");
            check(store);
            assert_eq!(codes(cluster_ip), ["FM0542"]);
            assert!(codes("spec.endpoints").is_empty());
            store.type_into("spec.target", "karmada");
            store.type_into("spec.endpoints", "addresses");
            check(store);
            assert_eq!(codes("spec.endpoints"), ["FM0541"]);
            assert!(codes(cluster_ip).is_empty());
            // FM0208: the addresses are missing.
            assert!(
                store
                    .findings()
                    .iter()
                    .any(|finding| finding.path == addresses)
            );
            assert!(codes(addresses).is_empty());
        });
    }

    #[test]
    fn a_valid_document_is_rendered_once() {
        with_store(start::empty(), |store| {
            assert!(!store.is_good() && store.unrendered().is_none());
            store.open(start::walkthrough());
            assert!(store.unrendered().is_none(), "not checked yet");
            check(store);
            let of = store.unrendered().unwrap();
            assert_eq!(*of, start::walkthrough());
            store.rendered.set(Some(Arc::new(Rendered {
                of,
                manifests: Manifests::default(),
            })));
            assert!(store.unrendered().is_none());
            store.type_into(SUFFIX, "");
            check(store);
            assert!(!store.is_good() && store.unrendered().is_none());
            assert!(
                store.rendered.get().is_some(),
                "the previous manifests stay"
            );
            store.undo();
            check(store);
            assert!(store.is_good() && store.unrendered().is_none());
            store.type_into(SUFFIX, "other.zone");
            check(store);
            assert!(store.unrendered().is_some());
        });
    }

    #[test]
    fn all_errors_of_an_opened_document_are_shown() {
        with_store(start::empty(), |store| {
            assert!(store.counts.get().unwrap().gaps > 0);
            let mut document = start::walkthrough();
            value::set(&mut document, SUFFIX, json!("Bad"));
            store.open(document);
            check(store);
            assert_eq!(store.shown_errors(SUFFIX).len(), 1);
        });
    }

    #[test]
    fn a_fix_keeps_what_is_incomplete() {
        with_store(start::walkthrough(), |store| {
            store.edit(|document| value::set(document, "spec.services[0].port", json!("80a")));
            let fix = Fix {
                path: SUFFIX.to_owned(),
                value: "fixed.zone".to_owned(),
            };
            store.fix(&[fix]);
            let now = store.now();
            assert_eq!(value::text(&now, SUFFIX), "fixed.zone");
            assert_eq!(value::text(&now, "spec.services[0].port"), "80a");
        });
    }

    #[test]
    fn the_fixes_of_a_group_are_one_step_of_undo() {
        with_store(start::walkthrough(), |store| {
            let before = store.now();
            let fix = |index: usize| Fix {
                path: format!("spec.clusters[{index}].zone"),
                value: format!("zone-{index}"),
            };
            store.fix(&[fix(0), fix(1)]);
            let now = store.now();
            for index in 0..2 {
                let zone = value::text(&now, &fix(index).path).to_owned();
                assert_eq!(zone, fix(index).value);
            }
            store.undo();
            assert_eq!(store.now(), before);
            // All or none.
            store.fix(&[fix(0), fix(9)]);
            assert_eq!(store.now(), before);
            assert!(store.notice.get().is_some());
        });
    }
}
