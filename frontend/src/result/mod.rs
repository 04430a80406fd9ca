//! The result beside the form: findings in numbers, names as trees, manifests as highlighted text, the
//! map.

pub(crate) mod counts;
pub(crate) mod highlight;
pub(crate) mod map;
pub(crate) mod map_svg;
pub(crate) mod outline;
