//! What a federation costs inside the meshes: sidecars, istiod and DNS, for what fedmesh renders and for
//! what people would do instead, in one run on the same clusters with pods.
//!
//! `cargo xtask bench mesh [-- --sizes 10x100,30x100 --ways plain,fedmesh -o json]`
//!
//! Two clusters are real. The others are in the document only, with addresses that lead to the gateways of
//! these two; what is rendered for them is applied nowhere. It needs root, as tests of traffic do.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on says so by panicking"
)]

#[path = "../clusters/bare.rs"]
#[expect(dead_code, reason = "the bench of API servers uses HTTP/2, too")]
mod bare;
mod bed;
mod client;
mod discovery;
mod federation;
mod istiod;
mod measure;
mod table;
mod ways;

use clap::{Parser, ValueEnum};

use bed::Bed;
use federation::{CLIENT, Size};
use measure::Run;
use table::Results;
use ways::Way;

/// What a federation costs inside the meshes
#[derive(Parser)]
struct Arguments {
    /// Clusters and services, as in `10x100`
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "2x10,2x100,10x100,30x100"
    )]
    sizes: Vec<Size>,
    /// Ways to federate; `discovery` only where all clusters are real
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "local,plain,names,fedmesh,elsewhere,discovery"
    )]
    ways: Vec<Way>,
    /// Print JSON in place of tables
    #[arg(short, long, value_enum)]
    output: Option<Output>,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Json,
}

fn main() {
    let arguments = Arguments::parse();
    let bed = Bed::start();
    let istiod = bed.cluster_ip(CLIENT, "istiod");

    let mut ways = arguments.ways;
    ways.sort();
    let mut results = Results::new();
    for way in ways {
        if way == Way::Discovery {
            discovery::enable(&bed);
        }
        for &size in arguments.sizes.iter().filter(|size| way.can(**size)) {
            let (clusters, services) = (size.clusters, size.services);
            eprintln!("{}, {clusters} clusters × {services} services", way.name());
            let measured = Run::new(&bed, &istiod, way).measure(size);
            results.entry(size).or_default().insert(way, measured);
        }
    }
    match arguments.output {
        None => table::print(&results),
        Some(Output::Json) => println!("{}", table::json(&results)),
    }
}
