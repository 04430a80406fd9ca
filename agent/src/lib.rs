//! fedmesh's agent: all the I/O.

pub mod apply;
pub mod cli;
pub mod cluster;
mod file;
mod hint;
pub mod http;
mod logging;
pub mod operation;
pub mod verify;
