//! Who answers a name, for whom: the model that rendering, simulation and verification share.

pub mod answers;
pub(crate) mod endpoints;
pub mod expect;
pub mod locality;
pub mod nodes;
pub mod outage;
pub mod simulate;
