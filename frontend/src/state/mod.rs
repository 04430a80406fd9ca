//! The state of the page, and what follows it: the browser's storage, findings and manifests, files and links.

pub(crate) mod document;
mod history;
pub(crate) mod kept;
pub(crate) mod renderer;
pub(crate) mod saved;
mod store;

pub(crate) use store::{Half, Notice, Page, Rendered, Store, Tab};
