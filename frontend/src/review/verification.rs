//! The progress of a verification, built from its events.

use std::sync::Arc;

use shared::api::VerifyEvent;
use shared::verify::{Family, Outcome, Report};

use super::follow::Follow;
use crate::agent::Failure;

const FAMILIES: [(Family, &str); 5] = [
    (Family::Objects, "objects"),
    (Family::Record, "DNS records"),
    (Family::Gateway, "gateways"),
    (Family::Call, "calls"),
    (Family::Drill, "drill"),
];

/// The families of a verification with their labels; the last is that of a drill.
pub(crate) fn families(with_drill: bool) -> &'static [(Family, &'static str)] {
    let count = FAMILIES.len() - usize::from(!with_drill);
    &FAMILIES[..count]
}

/// The state of a verification.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Verification {
    /// Families that are complete in the current round.
    made: Vec<(Family, usize)>,
    /// Complete rounds.
    pub(crate) rounds: usize,
    /// All checks, and those that will be retried, as of the last complete round.
    last: (usize, usize),
    /// The state of a drill, in words.
    drill: Option<String>,
    /// The outcome; set at the end.
    pub(crate) end: Option<End>,
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Report(Arc<Report>),
    /// It stopped with an error.
    Failed(Failure),
}

/// The state of a family in the current round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Ahead,
    Running,
    /// The number of checks that were made.
    Done(usize),
}

impl Follow for Verification {
    type Event = VerifyEvent;
    const PATH: &'static str = "verifications";

    fn take(&mut self, event: VerifyEvent) {
        match event {
            VerifyEvent::Family { family, checks, .. } => {
                // The first event of another round.
                if self.made.iter().any(|(made, _)| *made == family) {
                    self.made.clear();
                }
                self.made.push((family, checks));
            }
            VerifyEvent::Round { checks, open } => {
                self.rounds += 1;
                self.last = (checks, open);
            }
            VerifyEvent::Drill {
                service,
                cluster,
                step,
            } => self.drill = Some(step.words(&service, &cluster)),
            VerifyEvent::Finished { report } => self.end = Some(End::Report(Arc::new(report))),
            VerifyEvent::Failed { error } => {
                self.end = Some(End::Failed(Failure {
                    message: error.message,
                    hint: error.hint,
                    findings: error.findings,
                    ..Failure::default()
                }));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.end.is_some()
    }

    fn ending(&self) -> &'static str {
        match &self.end {
            Some(End::Report(report)) => verdict(report),
            _ => "The verification did not finish",
        }
    }
}

/// A report in one sentence.
pub(crate) fn verdict(report: &Report) -> &'static str {
    match report.outcome() {
        Outcome::Passed => "All checks passed.",
        Outcome::Failed => "Some checks failed.",
        Outcome::CouldNotCheck => "No check failed, but some could not be made.",
    }
}

impl Verification {
    pub(crate) fn stage(&self, family: Family) -> Stage {
        let made = |family: Family| self.made.iter().find(|(made, _)| *made == family);
        if let Some((_, checks)) = made(family) {
            return Stage::Done(*checks);
        }
        // Records and gateways are checked in parallel; each other family waits for those before it.
        let waits_for: &[Family] = match family {
            Family::Objects => &[],
            Family::Record | Family::Gateway => &[Family::Objects],
            Family::Call => &[Family::Record, Family::Gateway],
            Family::Drill => &[Family::Call],
        };
        if waits_for.iter().all(|before| made(*before).is_some()) {
            Stage::Running
        } else {
            Stage::Ahead
        }
    }

    /// The progress, as a number and its maximum: checks that need no retry after the first round, families during it.
    /// With a drill there is one round, and the drill follows.
    pub(crate) fn done(&self, with_drill: bool) -> (usize, usize) {
        let (checks, open) = self.last;
        if self.rounds == 0 || with_drill {
            (self.made.len(), families(with_drill).len())
        } else {
            (checks - open.min(checks), checks)
        }
    }

    /// The progress in words.
    pub(crate) fn words(&self) -> String {
        if let Some(words) = &self.drill {
            return words.clone();
        }
        let (done, all) = self.done(false);
        let made: usize = self.made.iter().map(|(_, checks)| checks).sum();
        match self.rounds {
            0 => format!("{made} checks made"),
            _ => format!("{done} of {all} checks done; retrying the others"),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::api::ApiError;
    use shared::verify::DrillStep;

    use super::*;

    fn family(family: Family, checks: usize) -> VerifyEvent {
        VerifyEvent::Family {
            family,
            checks,
            open: 1,
        }
    }

    fn stages(verification: &Verification) -> Vec<Stage> {
        let families = families(false).iter();
        families
            .map(|(family, _)| verification.stage(*family))
            .collect()
    }

    #[test]
    fn families_run_in_order_in_each_round() {
        use Stage::{Ahead, Done, Running};
        let mut verification = Verification::default();
        assert_eq!(stages(&verification), [Running, Ahead, Ahead, Ahead]);
        verification.take(family(Family::Objects, 2));
        assert_eq!(stages(&verification), [Done(2), Running, Running, Ahead]);
        verification.take(family(Family::Gateway, 3));
        assert_eq!(stages(&verification), [Done(2), Running, Done(3), Ahead]);
        assert_eq!(verification.done(false), (2, 4));
        assert_eq!(verification.words(), "5 checks made");
        verification.take(family(Family::Record, 4));
        assert_eq!(stages(&verification), [Done(2), Done(4), Done(3), Running]);
        verification.take(family(Family::Call, 5));
        verification.take(VerifyEvent::Round {
            checks: 14,
            open: 4,
        });
        assert_eq!(verification.done(false), (10, 14));
        assert_eq!(
            verification.words(),
            "10 of 14 checks done; retrying the others"
        );
        verification.take(family(Family::Objects, 2));
        assert_eq!(stages(&verification), [Done(2), Running, Running, Ahead]);
        assert!(!verification.is_over());
        verification.take(VerifyEvent::Finished {
            report: Report::default(),
        });
        assert!(verification.is_over());
        assert_eq!(verification.ending(), "All checks passed.");
    }

    #[test]
    fn a_drill_comes_after_the_calls() {
        let mut verification = Verification::default();
        assert_eq!(families(true).last().unwrap().0, Family::Drill);
        for before in [Family::Objects, Family::Record, Family::Gateway] {
            verification.take(family(before, 2));
            assert_eq!(verification.stage(Family::Drill), Stage::Ahead);
        }
        verification.take(family(Family::Call, 2));
        verification.take(VerifyEvent::Round { checks: 8, open: 0 });
        assert_eq!(verification.stage(Family::Drill), Stage::Running);
        assert_eq!(verification.done(true), (4, 5));
        for (step, words) in [
            (DrillStep::Before, "still runs"),
            (DrillStep::Away, "is scaled down"),
            (DrillStep::Back, "is restored"),
        ] {
            verification.take(VerifyEvent::Drill {
                service: "orders.sales".into(),
                cluster: "north".into(),
                step,
            });
            let said = verification.words();
            assert!(
                said.starts_with(&format!("orders.sales {words} in north; ")),
                "{said}"
            );
        }
        verification.take(family(Family::Drill, 3));
        assert_eq!(verification.stage(Family::Drill), Stage::Done(3));
        assert_eq!(verification.done(true), (5, 5));
    }

    #[test]
    fn a_failed_verification_has_an_error() {
        let mut verification = Verification::default();
        verification.take(VerifyEvent::Failed {
            error: ApiError {
                message: "m".into(),
                hint: "h".into(),
                findings: Vec::new(),
                reason: None,
            },
        });
        let Some(End::Failed(failure)) = &verification.end else {
            panic!("{verification:?}")
        };
        assert_eq!(
            (failure.message.as_str(), failure.hint.as_str()),
            ("m", "h")
        );
    }
}
