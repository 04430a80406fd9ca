//! The browser's storage, which it may refuse: gloo's functions panic then.

use gloo::storage::{LocalStorage, SessionStorage, Storage};
use gloo::utils::window;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A storage of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until the user clears it.
    Always,
    /// As long as the tab is open.
    Tab,
}

impl Keep {
    fn is_allowed(self) -> bool {
        match self {
            Self::Always => window().local_storage(),
            Self::Tab => window().session_storage(),
        }
        .is_ok_and(|storage| storage.is_some())
    }

    fn raw(self) -> Option<web_sys::Storage> {
        self.is_allowed().then(|| match self {
            Self::Always => LocalStorage::raw(),
            Self::Tab => SessionStorage::raw(),
        })
    }

    /// The text of a key; `None` where the browser stores nothing.
    pub(crate) fn text(self, key: &str) -> Option<String> {
        self.raw()?.get_item(key).ok().flatten()
    }

    /// Stores a text; `false` where the browser refuses it (private windows, full storage).
    pub(crate) fn set_text(self, key: &str, text: &str) -> bool {
        self.raw()
            .is_some_and(|storage| storage.set_item(key, text).is_ok())
    }

    /// The value of a key; `None` where the browser stores nothing, or something else.
    pub(crate) fn get<T: DeserializeOwned>(self, key: &str) -> Option<T> {
        if !self.is_allowed() {
            return None;
        }
        match self {
            Self::Always => LocalStorage::get(key),
            Self::Tab => SessionStorage::get(key),
        }
        .ok()
    }

    /// Stores a value; `false` where the browser refuses it.
    pub(crate) fn set(self, key: &str, value: &impl Serialize) -> bool {
        self.is_allowed()
            && match self {
                Self::Always => LocalStorage::set(key, value),
                Self::Tab => SessionStorage::set(key, value),
            }
            .is_ok()
    }

    pub(crate) fn forget(self, key: &str) {
        if self.is_allowed() {
            match self {
                Self::Always => LocalStorage::delete(key),
                Self::Tab => SessionStorage::delete(key),
            }
        }
    }
}
