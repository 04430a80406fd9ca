//! The page's state: the document with its history, and all that is derived from it.

pub(crate) mod delivered;
pub(crate) mod exchange;
pub(crate) mod findings;
pub(crate) mod kept;
mod pending;
pub(crate) mod renderer;
mod search;
mod store;
pub(crate) mod writer;

pub(crate) use store::{Action, Compared, Half, Notice, Page, Rendered, Store, Tab, View};
