//! The result beside the form: findings in numbers, names as trees, manifests as highlighted text.

pub(crate) mod counts;
pub(crate) mod highlight;
pub(crate) mod outline;
