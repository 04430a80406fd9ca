//! What is measured of a way and a size.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bed::{Bed, within};
use crate::client::Client;
use crate::discovery;
use crate::federation::{CLIENT, Federation, MOVES, Size, east_west_gateways_of, gateways_of};
use crate::istiod::{Delta, Metrics};
use crate::ways::{BedContents, Way};

/// How long a change, or a new pod, is waited for.
pub(crate) const LIMIT: Duration = Duration::from_mins(3);
/// For how long queries are counted.
const COUNTED: Duration = Duration::from_secs(20);
/// How long the clusters' DNS keeps what the zone's name server said.
const CACHED: Duration = Duration::from_secs(31);
/// Nothing is pushed for as long once everything has been.
const QUIET: Duration = Duration::from_secs(2);
const MEGABYTE: f64 = 1e6;

/// Kinds of what istiod pushes.
pub(crate) const PUSHED: [&str; 5] = ["cds", "eds", "lds", "rds", "nds"];

/// Something that is measured, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    Objects,
    IstiodBusy,
    IstiodMemory,
    Clusters,
    Endpoints,
    Listeners,
    Routes,
    VirtualHosts,
    Dump,
    Heap,
    Memory,
    Ready,
    Pushed,
    QueriesUntilReady,
    Queries,
    ZoneQueries,
    FirstCall,
    Call,
    AfterChange(Change, Effect),
    ReadyWithoutZone,
}

impl Measure {
    /// What a row is about, with its unit.
    pub(crate) fn title(self) -> String {
        let title = match self {
            Measure::Objects => "objects in a cluster",
            Measure::IstiodBusy => "istiod: CPU until all is pushed, s",
            Measure::IstiodMemory => "istiod: resident memory, MB",
            Measure::Clusters => "sidecar: Envoy clusters",
            Measure::Endpoints => "sidecar: endpoints",
            Measure::Listeners => "sidecar: listeners",
            Measure::Routes => "sidecar: route configurations",
            Measure::VirtualHosts => "sidecar: virtual hosts",
            Measure::Dump => "sidecar: config_dump, MB",
            Measure::Heap => "sidecar: memory that Envoy has allocated, MB",
            Measure::Memory => "sidecar: memory with its agent, without pages of files, MB",
            Measure::Ready => "new pod: ready after, s",
            Measure::Pushed => "new pod: pushed until all have all, to every proxy, MB",
            Measure::QueriesUntilReady => {
                "new pod: DNS queries until it is ready and all is pushed"
            }
            Measure::Queries => "sidecar: DNS queries a second",
            Measure::ZoneQueries => "zone's name server: queries a second, of all",
            Measure::FirstCall => "first answer of another cluster after, s",
            Measure::Call => "that call, ms",
            Measure::ReadyWithoutZone => "new pod while the zone's DNS is down: ready after, s",
            Measure::AfterChange(change, effect) => return of_change(change, effect),
        };
        title.to_owned()
    }
}

fn of_change(change: Change, effect: Effect) -> String {
    let change = match change {
        Change::Address => "new gateway address",
        Change::Service => "new service",
    };
    let effect = match effect {
        Effect::Reached => "reached the sidecar after, s".to_owned(),
        Effect::Pushes(kind) => format!("{} pushes", PUSHED[kind].to_uppercase()),
        Effect::Pushed => "pushed, MB".to_owned(),
        Effect::PushTime => "mean time of a push, ms".to_owned(),
        Effect::Convergence => "mean time until a proxy has it, ms".to_owned(),
        Effect::IstiodBusy => "CPU of istiod, s".to_owned(),
    };
    format!("{change}: {effect}")
}

/// A change of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The gateway of another cluster gets another address.
    Address,
    /// A service is added, in every cluster.
    Service,
}

/// What a change leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Reached,
    /// Of one kind, by its place in [`PUSHED`].
    Pushes(usize),
    Pushed,
    PushTime,
    Convergence,
    IstiodBusy,
}

/// Numbers by what they are of; infinite where a limit was passed.
pub(crate) type Measured = BTreeMap<Measure, f64>;

/// Measuring one way at one size.
pub(crate) struct Run<'a> {
    pub(crate) bed: &'a Bed,
    /// The address of the client cluster's istiod.
    pub(crate) istiod: &'a str,
    pub(crate) way: Way,
    measured: Measured,
}

impl<'a> Run<'a> {
    pub(crate) fn new(bed: &'a Bed, istiod: &'a str, way: Way) -> Self {
        Self {
            bed,
            istiod,
            way,
            measured: Measured::new(),
        }
    }

    pub(crate) fn measure(mut self, size: Size) -> Measured {
        let mut federation = Federation::new(size, self.bed.gateways_inside());
        // Only what differs is sent, so what was there before would count.
        self.bed.put(BedContents::default());
        let before = self.quiet();
        self.bed.put(self.way.desired(&federation));
        let after = self.quiet();
        self.add(Measure::Objects, count(self.bed.object_count()));
        let busy = delta(&before, &after).sum("process_cpu_seconds_total", "");
        self.add(Measure::IstiodBusy, busy);

        if let Some(client) = self.client("client", LIMIT) {
            self.add(Measure::Ready, client.ready.as_secs_f64());
            let ready = self.quiet();
            let pushed = delta(&after, &ready).sum("pilot_xds_config_size_bytes_sum", "");
            self.add(Measure::Pushed, pushed / MEGABYTE);
            let memory = ready.sum("process_resident_memory_bytes", "");
            self.add(Measure::IstiodMemory, memory / MEGABYTE);
            self.sidecar(&client);
            self.queries(&client);
            self.call(&client, &federation);
            federation.moved = true;
            self.change(Change::Address, &client, &federation);
            federation.added = true;
            self.change(Change::Service, &client, &federation);
        } else {
            self.add(Measure::Ready, f64::INFINITY);
        }
        self.without_zone();
        self.measured
    }

    fn client(&self, name: &str, limit: Duration) -> Option<Client<'a>> {
        let labels = match self.way {
            Way::Discovery => discovery::labels(CLIENT),
            _ => json!({}),
        };
        Client::start(self.bed, name, &labels, limit)
    }

    fn sidecar(&mut self, client: &Client<'_>) {
        let configuration = client.configuration();
        self.add(Measure::Clusters, count(configuration.clusters));
        self.add(Measure::Listeners, count(configuration.listeners));
        self.add(Measure::Routes, count(configuration.routes));
        self.add(Measure::VirtualHosts, count(configuration.virtual_hosts));
        self.add(Measure::Dump, count(configuration.bytes) / MEGABYTE);
        let clusters = client.clusters();
        let endpoints = clusters
            .lines()
            .filter(|line| line.contains("::hostname::"));
        self.add(Measure::Endpoints, count(endpoints.count()));
        self.add(Measure::Heap, client.heap() / MEGABYTE);
        self.add(Measure::Memory, client.memory() / MEGABYTE);
    }

    fn queries(&mut self, client: &Client<'_>) {
        let server = self.bed.mesh.name_server();
        self.add(Measure::QueriesUntilReady, client.queries());
        let start = Instant::now();
        let before = (client.queries(), server.queries().unwrap());
        std::thread::sleep(COUNTED);
        let after = (client.queries(), server.queries().unwrap());
        let seconds = start.elapsed().as_secs_f64();
        self.add(Measure::Queries, (after.0 - before.0) / seconds);
        let zone = u32::try_from(after.1 - before.1).unwrap();
        self.add(Measure::ZoneQueries, f64::from(zone) / seconds);
    }

    /// Until the other real cluster has answered: a name may lead to the client's own one as well.
    fn call(&mut self, client: &Client<'_>, federation: &Federation) {
        let Some(url) = self.way.url_elsewhere(federation) else {
            return;
        };
        let elsewhere: Vec<String> = gateways_of(MOVES)
            .into_iter()
            .chain(east_west_gateways_of(MOVES))
            .map(|address| format!("::{address}:"))
            .collect();
        let answered = || {
            let counted = client.clusters();
            let successes = counted.lines().filter_map(|line| {
                let (endpoint, successes) = line.split_once("::rq_success::")?;
                let endpoint = format!("{endpoint}:");
                let there = elsewhere.iter().any(|address| endpoint.contains(address));
                there.then(|| successes.parse::<u64>().unwrap())
            });
            successes.sum::<u64>()
        };
        let before = answered();
        let called = within(LIMIT, || {
            let took = client.call(&url)?;
            (answered() > before).then_some(took)
        });
        let (took, after) = called.map_or((f64::INFINITY, f64::INFINITY), |(took, after)| {
            (took * 1e3, after.as_secs_f64())
        });
        self.add(Measure::FirstCall, after);
        self.add(Measure::Call, took);
    }

    fn change(&mut self, change: Change, client: &Client<'_>, federation: &Federation) {
        let old = match self.way {
            Way::Discovery => east_west_gateways_of(MOVES)[0],
            _ => gateways_of(MOVES)[0],
        };
        // Where Envoy goes by the address that a caller has resolved, it keeps that one while a connection is open.
        let has_old = || {
            let clusters = client.clusters();
            let mut endpoints = clusters.lines().filter(|line| !line.contains("||*."));
            endpoints.any(|line| line.contains(&format!("::{old}:")))
        };
        // In no sidecar in the first place: nothing to measure.
        if change == Change::Address && !has_old() {
            return;
        }
        let before = self.quiet();
        let start = Instant::now();
        self.bed.put(self.way.desired(federation));
        let reached = match change {
            Change::Address => within(LIMIT, || (!has_old()).then_some(())),
            Change::Service => {
                let url = self.way.url(federation, federation.size.services);
                within(LIMIT, || client.call(&url).map(drop))
            }
        };
        let reached = reached.map_or(f64::INFINITY, |_| start.elapsed().as_secs_f64());
        let after = self.quiet();
        let delta = delta(&before, &after);
        let mut effects = vec![
            (Effect::Reached, reached),
            (
                Effect::Pushed,
                delta.sum("pilot_xds_config_size_bytes_sum", "") / MEGABYTE,
            ),
            (
                Effect::IstiodBusy,
                delta.sum("process_cpu_seconds_total", ""),
            ),
        ];
        for (index, kind) in PUSHED.iter().enumerate() {
            let label = format!("type=\"{kind}\"");
            effects.push((Effect::Pushes(index), delta.sum("pilot_xds_pushes", &label)));
        }
        let times = [
            (Effect::PushTime, "pilot_xds_push_time"),
            (Effect::Convergence, "pilot_proxy_convergence_time"),
        ];
        for (effect, histogram) in times {
            let mean = delta.mean(histogram);
            effects.extend(mean.map(|seconds| (effect, seconds * 1e3)));
        }
        for (effect, value) in effects {
            self.add(Measure::AfterChange(change, effect), value);
        }
    }

    /// A new pod while nothing can be learned from the zone any more.
    fn without_zone(&mut self) {
        if self.way == Way::Local {
            return;
        }
        let server = self.bed.mesh.name_server();
        server.pause().unwrap();
        std::thread::sleep(CACHED);
        let client = self.client("late-client", LIMIT);
        let ready = client.map_or(f64::INFINITY, |client| client.ready.as_secs_f64());
        server.resume().unwrap();
        self.add(Measure::ReadyWithoutZone, ready);
    }

    fn metrics(&self) -> Metrics {
        Metrics::read(&self.bed.mesh, CLIENT, self.istiod)
    }

    /// Waits until istiod pushes nothing more.
    fn quiet(&self) -> Metrics {
        let start = Instant::now();
        let mut before = self.metrics();
        while start.elapsed() < LIMIT {
            std::thread::sleep(QUIET);
            let after = self.metrics();
            let pushes = delta(&before, &after).sum("pilot_xds_pushes", "");
            if pushes == 0.0 {
                return after;
            }
            before = after;
        }
        before
    }

    fn add(&mut self, measure: Measure, value: f64) {
        eprintln!("  {:<62} {value:.3}", measure.title());
        self.measured.insert(measure, value);
    }
}

fn delta<'m>(before: &'m Metrics, after: &'m Metrics) -> Delta<'m> {
    Delta { before, after }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}
