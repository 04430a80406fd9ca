//! The result beside the form: findings in numbers and in groups, names as trees, manifests as highlighted text, the
//! map.

pub(crate) mod counts;
pub(crate) mod folding;
pub(crate) mod groups;
pub(crate) mod highlight;
pub(crate) mod hits;
pub(crate) mod map;
pub(crate) mod map_svg;
pub(crate) mod matching;
pub(crate) mod objects;
pub(crate) mod outline;
