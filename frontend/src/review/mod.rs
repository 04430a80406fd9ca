//! The review: it plans, applies and verifies with an agent, and shows the progress and the results.

mod causes;
mod consent;
mod decided;
mod doing;
mod drill;
mod families;
mod follow;
mod page;
mod plan;
mod progress;
mod request;
mod run;
mod state;
mod steps;
mod table;
mod task;
mod verification;
mod verify;

pub(crate) use page::ReviewPage;
pub(crate) use state::{Review, TITLE};
pub(crate) use task::Task;
