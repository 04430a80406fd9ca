//! Verification of the rendered objects by traffic.
//!
//! ```text
//! ObservedMesh ──expect──▶ objects · records · gateways · calls ──judge──▶ Report
//! ```
//!
//! Expectations are computed from the same document, and results are judged in `shared`; this module does only the I/O.
//! **Invariant**: nothing changes in a cluster except by a drill, and by the Job that stands in for a client; both are
//! undone however the run ends.

mod accepted;
mod calls;
mod client;
mod curl;
mod dns;
mod drill;
mod gateways;
mod http;
mod job;
mod mutual;
mod objects;
mod pod;
mod probe;
mod records;
mod restore;
mod round;
mod selector;
mod tls;
mod watch;
mod watcher;
mod workloads;

use std::net::SocketAddr;
use std::time::Duration;

use shared::Mesh;
use shared::api::{Status, VerifyEvent};
use shared::traffic::expect::{Expectations, expect};
use shared::verify::{Cause, Check, DrillTarget, Family, Outcome, Report, drillable};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

pub use restore::{InterruptedDrill, left_behind, restore};
pub use selector::{ClientSelector, ClientSelectorError};

use crate::operation::{ObservedMesh, Operations, PlanError};
use crate::stop::Stop;
use accepted::Accepted;
use mutual::Roots;
use round::{Passed, Round};

/// The first pause between two rounds; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The default deadline of each check.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Options of a verification.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The clients in each cluster.
    pub client: ClientSelector,
    /// Whether no Job may be created where a cluster has no client.
    pub no_job: bool,
    /// Name servers to query for the records; empty for those of the document, else the zone's own.
    pub name_servers: Vec<SocketAddr>,
    /// Deadline of each check.
    pub timeout: Duration,
    /// How long failed checks are retried.
    pub wait: Duration,
    /// The target of a drill, which runs if everything passes.
    pub drill: Option<DrillTarget>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            client: ClientSelector::default(),
            no_job: false,
            name_servers: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            wait: Duration::ZERO,
            drill: None,
        }
    }
}

/// Makes all checks, and retries those that fail until they pass, the time is over, or a stop is requested. The first
/// round uses `observed`; each later one observes the clusters anew.
///
/// # Errors
/// The clusters cannot be observed for a later round.
pub async fn verify(
    operations: &Operations,
    mesh: &Mesh,
    mut observed: ObservedMesh,
    options: &VerifyOptions,
    stop: &Stop,
    events: &UnboundedSender<VerifyEvent>,
) -> Result<Report, PlanError> {
    let deadline = Instant::now() + options.wait;
    let mut passed = Passed::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let (basis, interrupted) = tokio::join!(Basis::of(&observed), left_behind(&observed, mesh));
        let checks = one_round(&basis.round(options, &passed, stop), &interrupted, events).await;
        let open = open(&checks);
        passed.remember(&checks);
        // The receiver may be gone.
        _ = events.send(VerifyEvent::Round {
            checks: checks.len(),
            open,
        });
        let left = deadline.saturating_duration_since(Instant::now());
        if open == 0 || left.is_zero() || stop.is_requested() {
            let mut report = Report {
                mesh: mesh.metadata.name.clone(),
                checks,
                drill: None,
                drillable: drillable(&observed.resolved),
            };
            if let Some(target) = &options.drill {
                let passed = Passed::default();
                let round = basis.round(options, &passed, stop);
                drill_after(&round, target, events, &mut report).await;
            }
            return Ok(report);
        }
        tokio::select! {
            () = tokio::time::sleep(pause.min(left)) => {}
            () = stop.requested() => {}
        }
        pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
        observed = operations.observe(mesh).await?;
    }
}

/// The input of a round, computed from the document and the observed state.
struct Basis<'a> {
    observed: &'a ObservedMesh,
    expectations: Expectations,
    status: Status,
    accepted: Accepted,
    roots: Roots,
}

impl<'a> Basis<'a> {
    async fn of(observed: &'a ObservedMesh) -> Self {
        let status = Status::of(&observed.plan);
        let (accepted, roots) =
            tokio::join!(Accepted::look(observed, &status), Roots::look(observed));
        Self {
            observed,
            expectations: expect(&observed.resolved),
            status,
            accepted,
            roots,
        }
    }

    fn round<'b>(
        &'b self,
        options: &'b VerifyOptions,
        passed: &'b Passed,
        stop: &'b Stop,
    ) -> Round<'b> {
        Round {
            resolved: &self.observed.resolved,
            expectations: &self.expectations,
            observed: self.observed,
            status: &self.status,
            accepted: &self.accepted,
            options,
            roots: &self.roots,
            passed,
            stop,
        }
    }
}

async fn one_round(
    round: &Round<'_>,
    interrupted: &[InterruptedDrill],
    events: &UnboundedSender<VerifyEvent>,
) -> Vec<Check> {
    let tell = |family, checks: &[Check]| {
        // The receiver may be gone.
        _ = events.send(VerifyEvent::Family {
            family,
            checks: checks.len(),
            open: open(checks),
        });
    };
    let mut checks = objects::check(round.status);
    checks.extend(round.accepted.checks());
    checks.extend(interrupted.iter().map(InterruptedDrill::check));
    tell(Family::Objects, &checks);
    // All at once: a family waits only for the results that its judgement depends on.
    let (records, from_here, asked) = tokio::join!(
        async {
            let records = records::check(round).await;
            tell(Family::Record, &records.checks);
            records
        },
        async {
            let gateways = gateways::check(round).await;
            tell(Family::Gateway, &gateways);
            gateways
        },
        calls::ask(round)
    );
    let from_clients = calls::check(round, asked, &records, &from_here).await;
    tell(Family::Call, &from_clients);
    checks.extend(records.checks);
    checks.extend(from_here);
    checks.extend(from_clients);
    records::settle(&mut checks);
    gateways::settle(&mut checks);
    // Stable: within a family the order is that of the document.
    checks.sort_by_key(|check| check.family);
    checks
}

/// Number of checks that are worth a retry.
fn open(checks: &[Check]) -> usize {
    let open = checks.iter().filter(|check| check.is_worth_another_try());
    open.count()
}

/// A drill on top of a fault would only harm: every client has to be answered first.
async fn drill_after(
    round: &Round<'_>,
    target: &DrillTarget,
    events: &UnboundedSender<VerifyEvent>,
    report: &mut Report,
) {
    let unwell = report
        .checks
        .iter()
        .any(|check| check.family == Family::Call && check.outcome == Outcome::Failed);
    let rows = if unwell {
        let mut row = Check::new(Family::Drill);
        row.service.clone_from(&target.service);
        "traffic moves and comes back".clone_into(&mut row.expected);
        let cause = Cause::NoDrill("nothing was scaled down: calls fail already".to_owned());
        vec![row.with(Outcome::CouldNotCheck, &cause)]
    } else {
        let (drill, rows) = drill::run(round, target, events).await;
        report.drill = drill;
        rows
    };
    // The receiver may be gone.
    _ = events.send(VerifyEvent::Family {
        family: Family::Drill,
        checks: rows.len(),
        open: 0,
    });
    report.checks.extend(rows);
}
