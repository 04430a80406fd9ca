//! A headless browser for tests.

mod programs;
#[cfg(feature = "browser")]
mod session;

pub use programs::{Programs, ProgramsError};
#[cfg(feature = "browser")]
pub use session::{Browser, BrowserError, ColourScheme, Options};
