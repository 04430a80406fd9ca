//! The form: the document as the texts of its fields, and the changes of the document that the form makes.

pub(crate) mod callers;
pub(crate) mod contexts;
pub(crate) mod field;
#[cfg(test)]
mod field_tests;
pub(crate) mod rows;
pub(crate) mod template;
pub(crate) mod texts;
