//! The connection to the agent, calls of its API, and messages to the part of the page that needs it.

pub(crate) mod api;
mod connection;
mod lines;
pub(crate) mod message;

pub(crate) use connection::{Agent, Link, Part};
