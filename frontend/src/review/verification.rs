//! The course of a verification, put together from its events.

use std::sync::Arc;

use shared::api::VerifyEvent;
use shared::verify::{Family, Outcome, Report};

use super::follow::Follow;
use crate::api::Failure;

/// The families that a verification goes through, with their words. A drill is for the command line.
pub(crate) const FAMILIES: [(Family, &str); 4] = [
    (Family::Objects, "objects"),
    (Family::Record, "DNS records"),
    (Family::Gateway, "gateways"),
    (Family::Call, "calls"),
];

/// What is known of a verification.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Verification {
    /// Families of the round under way that are through.
    made: Vec<(Family, usize)>,
    /// Rounds that are through.
    pub(crate) rounds: usize,
    /// Checks in all, and those worth another try, as of the last round that is through.
    last: (usize, usize),
    /// How it ended; there at the end.
    pub(crate) end: Option<End>,
}

/// How a verification ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Report(Arc<Report>),
    /// It could not go on.
    Failed(Failure),
}

/// Where a family stands in the round under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Ahead,
    Running,
    /// So many checks were made.
    Done(usize),
}

impl Follow for Verification {
    type Event = VerifyEvent;
    const PATH: &'static str = "verifications";

    fn take(&mut self, event: VerifyEvent) {
        match event {
            VerifyEvent::Family { family, checks, .. } => {
                // The first of a further round.
                if self.made.iter().any(|(made, _)| *made == family) {
                    self.made.clear();
                }
                self.made.push((family, checks));
            }
            VerifyEvent::Round { checks, open } => {
                self.rounds += 1;
                self.last = (checks, open);
            }
            VerifyEvent::Finished { report } => self.end = Some(End::Report(Arc::new(report))),
            VerifyEvent::Failed { error } => {
                self.end = Some(End::Failed(Failure {
                    message: error.message,
                    hint: error.hint,
                    findings: error.findings,
                    status: 0,
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
            _ => "The verification could not be made",
        }
    }
}

/// A report in one sentence.
pub(crate) fn verdict(report: &Report) -> &'static str {
    match report.outcome() {
        Outcome::Passed => "All is well.",
        Outcome::Failed => "Not everything works.",
        Outcome::CouldNotCheck => "Nothing failed, and not everything could be checked.",
    }
}

impl Verification {
    pub(crate) fn stage(&self, family: Family) -> Stage {
        let made = |family: Family| self.made.iter().find(|(made, _)| *made == family);
        if let Some((_, checks)) = made(family) {
            return Stage::Done(*checks);
        }
        // Records and gateways are asked at once; each of the others waits for what is before it.
        let waits_for: &[Family] = match family {
            Family::Objects => &[],
            Family::Record | Family::Gateway => &[Family::Objects],
            Family::Call | Family::Drill => &[Family::Record, Family::Gateway],
        };
        if waits_for.iter().all(|before| made(*before).is_some()) {
            Stage::Running
        } else {
            Stage::Ahead
        }
    }

    /// How much is done, and of how much: checks that pass once a round has counted them, families
    /// before.
    pub(crate) fn done(&self) -> (usize, usize) {
        let (checks, open) = self.last;
        if self.rounds == 0 {
            (self.made.len(), FAMILIES.len())
        } else {
            (checks - open.min(checks), checks)
        }
    }

    /// How it stands, in words.
    pub(crate) fn words(&self) -> String {
        let (done, all) = self.done();
        let made: usize = self.made.iter().map(|(_, checks)| checks).sum();
        match self.rounds {
            0 => format!("{made} checks made"),
            _ => format!("{done} of {all} checks need no other try; trying the rest again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::api::ApiError;

    use super::*;

    fn family(family: Family, checks: usize) -> VerifyEvent {
        VerifyEvent::Family {
            family,
            checks,
            open: 1,
        }
    }

    fn stages(verification: &Verification) -> [Stage; 4] {
        FAMILIES.map(|(family, _)| verification.stage(family))
    }

    #[test]
    fn families_come_one_after_the_other_round_after_round() {
        use Stage::{Ahead, Done, Running};
        let mut verification = Verification::default();
        assert_eq!(stages(&verification), [Running, Ahead, Ahead, Ahead]);
        verification.take(family(Family::Objects, 2));
        assert_eq!(stages(&verification), [Done(2), Running, Running, Ahead]);
        verification.take(family(Family::Gateway, 3));
        assert_eq!(stages(&verification), [Done(2), Running, Done(3), Ahead]);
        assert_eq!(verification.done(), (2, 4));
        assert_eq!(verification.words(), "5 checks made");
        verification.take(family(Family::Record, 4));
        assert_eq!(stages(&verification), [Done(2), Done(4), Done(3), Running]);
        verification.take(family(Family::Call, 5));
        verification.take(VerifyEvent::Round {
            checks: 14,
            open: 4,
        });
        assert_eq!(verification.done(), (10, 14));
        assert_eq!(
            verification.words(),
            "10 of 14 checks need no other try; trying the rest again"
        );
        verification.take(family(Family::Objects, 2));
        assert_eq!(stages(&verification), [Done(2), Running, Running, Ahead]);
        assert!(!verification.is_over());
        verification.take(VerifyEvent::Finished {
            report: Report::default(),
        });
        assert!(verification.is_over());
        assert_eq!(verification.ending(), "All is well.");
    }

    #[test]
    fn one_that_cannot_go_on_says_why() {
        let mut verification = Verification::default();
        verification.take(VerifyEvent::Failed {
            error: ApiError {
                message: "m".into(),
                hint: "h".into(),
                findings: Vec::new(),
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
