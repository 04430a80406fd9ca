//! The parts of the page, one a file. Each is a function that returns its element.

pub(crate) mod agent_dialog;
pub(crate) mod cluster_table;
pub(crate) mod dns_form;
pub(crate) mod explanation;
pub(crate) mod failure;
pub(crate) mod field;
pub(crate) mod findings;
pub(crate) mod header;
pub(crate) mod manifests;
pub(crate) mod menu;
pub(crate) mod more_form;
pub(crate) mod name_tree;
pub(crate) mod notice;
pub(crate) mod service_table;
pub(crate) mod tabs;
pub(crate) mod what_if;
