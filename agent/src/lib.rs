//! fedmesh's agent: the command line, the HTTP API and all I/O.

mod addresses;
pub mod apply;
mod budget;
pub mod cli;
pub mod cluster;
mod file;
pub mod follow;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gateways;
mod hint;
mod host_names;
pub mod http;
pub mod lock;
mod logging;
mod members;
pub mod memory;
pub mod operation;
mod printable;
mod public_suffix;
mod signals;
pub mod stop;
pub mod verify;
