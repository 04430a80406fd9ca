//! The Mesh document while it is edited: a JSON value, so that it may be incomplete and keeps all that was typed. The
//! worker checks it, and the page converts it to a [`shared::Mesh`] where it needs one.

pub(crate) mod change;
pub(crate) mod clusters;
pub(crate) mod contexts;
pub(crate) mod history;
pub(crate) mod link;
pub(crate) mod path;
pub(crate) mod start;
pub(crate) mod value;
