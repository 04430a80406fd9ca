//! The form, without elements: texts of fields and their values, labels, places in words, rows of tables.

pub(crate) mod callers;
pub(crate) mod clusters_of;
pub(crate) mod field;
pub(crate) mod label;
pub(crate) mod layout;
pub(crate) mod place;
pub(crate) mod placeholder;
pub(crate) mod routes;
pub(crate) mod rows;
pub(crate) mod search;
pub(crate) mod text;
