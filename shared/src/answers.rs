//! stub
#![allow(clippy::all, clippy::pedantic)]
use crate::outage::Outage;
use crate::published::{PublishedName, answered_by};
use crate::resolved::Resolved;
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Answers {
    By(Vec<usize>),
    Nobody(u8),
}
#[allow(missing_docs)]
pub fn in_mesh(
    r: &Resolved,
    _client: usize,
    service: usize,
    name: &PublishedName,
    outage: &Outage,
) -> Answers {
    let s = &r.services[service];
    let by: Vec<usize> = answered_by(name, &s.names)
        .iter()
        .copied()
        .filter(|c| !outage.services.contains(&(*c, service)))
        .collect();
    if by.is_empty() {
        Answers::Nobody(0)
    } else {
        Answers::By(by)
    }
}
