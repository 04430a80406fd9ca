//! Texts: which hold a credential, digests, durations as Istio writes them, and bounds for values that messages quote, and quotes for a shell.

pub(crate) mod credential;
pub mod digest;
pub(crate) mod duration;
pub mod shell;
pub mod shorten;
