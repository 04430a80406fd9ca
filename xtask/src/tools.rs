//! `cargo xtask tools`: builds the test tools and prints their paths.

use anyhow::Result;
use testbed::tools::{EXTERNAL_DNS_CRDS, ISTIO_CRDS, PROGRAMS};

use crate::install;
use crate::requirement::{Requirement, State};
use crate::workspace;

pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    if let State::Lacking { why, remedy } = Requirement::GoTools.state(&root)? {
        anyhow::bail!("{why}\nhint: {remedy}");
    }
    for program in PROGRAMS {
        println!("{}", program.ensure()?.display());
        for name in program.also_known_as {
            println!("{}", program.ensure_as(name)?.display());
        }
    }
    println!("{}", ISTIO_CRDS.ensure()?.display());
    println!("{}", EXTERNAL_DNS_CRDS.ensure()?.display());
    if Requirement::PageToolchain.state(&root)? != State::Met {
        Requirement::PageToolchain.install(&root)?;
    }
    println!("{}", install::trunk().ensure()?.join("trunk").display());
    println!(
        "{}",
        install::wasm_bindgen(&root)?
            .ensure()?
            .join("wasm-bindgen")
            .display()
    );
    Ok(())
}
