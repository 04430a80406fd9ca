//! The pages, put together from [`crate::components`].

pub(crate) mod edit;
