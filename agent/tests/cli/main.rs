//! The command line as a person or a script meets it: the program itself, in folders of its own,
//! without any cluster.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod desk;
mod import;
mod login;
mod printing;
mod programs;
mod read;
mod render;
mod saved_plan;
mod schema;
mod secrets;
mod servers;
mod usage;
mod verify;
