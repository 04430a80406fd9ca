//! The parts of the page, one a file.

pub(crate) mod agent_dialog;
pub(crate) mod changes;
pub(crate) mod commands;
pub(crate) mod dialog;
pub(crate) mod explanation;
pub(crate) mod failure;
pub(crate) mod field;
mod file_list;
pub(crate) mod find_field;
pub(crate) mod findings;
pub(crate) mod header;
pub(crate) mod icon;
pub(crate) mod manifests;
pub(crate) mod map;
mod map_details;
pub(crate) mod menu;
pub(crate) mod name_tree;
pub(crate) mod new_mesh;
pub(crate) mod notice;
pub(crate) mod object;
pub(crate) mod table;
pub(crate) mod tabs;
mod text_panel;
mod toolbar;
mod update;
pub(crate) mod virtual_list;
pub(crate) mod what_if;
