//! Starts a bed, prints its folder and processes, and then sleeps until it is killed: tests/clusters.rs kills it with
//! -9 and checks that nothing remains.

use std::io::Write as _;

use testbed::{BedError, Options, Testbed};

fn main() -> Result<(), BedError> {
    let bed = Testbed::start(Options::with_clusters(1))?;
    println!("{}", bed.folder().display());
    for process in bed.process_ids() {
        println!("{process}");
    }
    println!("ready");
    // The reader is the test; without it, this process can end.
    if std::io::stdout().flush().is_ok() {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}
