//! The connection to the agent, and calls of its API.

pub(crate) mod api;
mod connection;

pub(crate) use api::{Client, Failure};
pub(crate) use connection::{Agent, Link};
