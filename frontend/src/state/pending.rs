//! What is to be done for the document as it is: a check, manifests, names, a simulation, the calls of the map, a
//! comparison, or its text. Each is `None` once it is done, and follows what it depends on.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;

use super::store::{Store, Tab};
use crate::document::history::Written;

impl Store {
    /// The document, if its current version was not checked yet.
    pub(crate) fn unchecked(self) -> Option<Arc<Value>> {
        let document = self.document.get();
        let checked = self.checked.get();
        (!checked.is_some_and(|checked| checked.of == document)).then_some(document)
    }

    /// The document, if it has no errors and was not rendered yet.
    pub(crate) fn unrendered(self) -> Option<Arc<Value>> {
        let document = self.document.get();
        let rendered = self.rendered.get();
        let is_there = rendered.is_some_and(|rendered| rendered.of == document);
        let is_good = self.is_good() && self.unchecked().is_none();
        (is_good && !is_there).then_some(document)
    }

    /// The document, if its names are to be shown, or nothing more urgent is left to do, and they are not known yet.
    pub(crate) fn unnamed(self) -> Option<Arc<Value>> {
        if !self.is_good() || self.unchecked().is_some() {
            return None;
        }
        let document = self.document.get();
        let is_known = self
            .named
            .with(|last| last.as_ref().is_some_and(|last| last.of == document));
        // Printing has no time to wait for them.
        let is_due = self.tab.get() == Tab::Names || self.unrendered().is_none();
        (is_due && !is_known).then_some(document)
    }

    /// The document, if the current outage was not simulated yet.
    pub(crate) fn unsimulated(self) -> Option<Arc<Value>> {
        if !(self.asks_what_if.get() && self.is_good() && self.unchecked().is_none()) {
            return None;
        }
        let document = self.document.get();
        let down = self.down.get();
        let last = self.simulated.get();
        let is_known = last.is_some_and(|last| last.of == document && down.iter().eq(&last.down));
        (!is_known).then_some(document)
    }

    /// The document and the service whose calls are to be shown on the map and are not known yet.
    pub(crate) fn unmapped(self) -> Option<(Arc<Value>, String)> {
        if self.tab.get() != Tab::Map || !self.is_good() || self.unchecked().is_some() {
            return None;
        }
        let service = self.map_service()?;
        let document = self.document.get();
        let down = self.down.get();
        let last = self.mapped.get();
        let is_known = last.is_some_and(|last| {
            last.of == document && last.service == service && down.iter().eq(&last.down)
        });
        (!is_known).then_some((document, service))
    }

    /// The document that was delivered last, and the current one, if their comparison is to be shown and was not made
    /// yet.
    pub(crate) fn uncompared(self) -> Option<(Arc<Value>, Arc<Value>)> {
        if self.tab.get() != Tab::Changes || !self.is_good() || self.unchecked().is_some() {
            return None;
        }
        let before = self.delivered.get()?.document;
        let after = self.document.get();
        let is_known = self.compared.with(|last| {
            let last = last.as_ref();
            last.is_some_and(|last| last.before == before && last.after == after)
        });
        (!is_known).then_some((before, after))
    }

    /// The typed text that was not read yet.
    pub(crate) fn unread(self) -> Option<Arc<str>> {
        let text = self.typed_text()?;
        let is_known = self
            .unreadable
            .with(|known| known.as_ref().is_some_and(|known| known.text == text));
        (!is_known).then_some(text)
    }

    /// The document whose text is to be shown and was not made yet: what is shown is the text of an earlier one.
    pub(crate) fn unwritten(self) -> Option<Written> {
        if self.tab.get() != Tab::Text {
            return None;
        }
        let written = self.history.with(|history| history.written().clone());
        let is_known = self
            .text_of
            .with(|last| last.as_ref().is_some_and(|last| last.of == written));
        (!written.is_unread && !is_known).then_some(written)
    }
}
