//! Starts a bed, says where it is and what it consists of, and then does nothing
//! until it is killed: tests/clusters.rs does that with -9 and looks at what is
//! left.

use std::io::Write as _;

use testbed::{BedError, Options, Testbed};

fn main() -> Result<(), BedError> {
    let bed = Testbed::start(Options::with_clusters(1))?;
    println!("{}", bed.folder().display());
    for process in bed.process_ids() {
        println!("{process}");
    }
    println!("ready");
    // The reader is the test; if it is gone, this process has no reason to be.
    if std::io::stdout().flush().is_ok() {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}
