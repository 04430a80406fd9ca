//! The course of a verification, put together from its events.

use std::sync::Arc;

use shared::api::VerifyEvent;
use shared::verify::{Family, Outcome, Report};

use super::follow::Follow;
use crate::api::Failure;

const FAMILIES: [(Family, &str); 5] = [
    (Family::Objects, "objects"),
    (Family::Record, "DNS records"),
    (Family::Gateway, "gateways"),
    (Family::Call, "calls"),
    (Family::Drill, "drill"),
];

/// The families that a verification goes through, with their words; the last is that of a drill.
pub(crate) fn families(with_drill: bool) -> &'static [(Family, &'static str)] {
    let count = FAMILIES.len() - usize::from(!with_drill);
    &FAMILIES[..count]
}

/// What is known of a verification.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Verification {
    /// Families of the round under way that are through.
    made: Vec<(Family, usize)>,
    /// Rounds that are through.
    pub(crate) rounds: usize,
    /// Checks in all, and those worth another try, as of the last round that is through.
    last: (usize, usize),
    /// What a drill does, in words.
    drill: Option<String>,
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
            Family::Call => &[Family::Record, Family::Gateway],
            Family::Drill => &[Family::Call],
        };
        if waits_for.iter().all(|before| made(*before).is_some()) {
            Stage::Running
        } else {
            Stage::Ahead
        }
    }

    /// How much is done, and of how much: checks that pass once a round has counted them, families
    /// before. With a drill there is one round, and the drill comes after it.
    pub(crate) fn done(&self, with_drill: bool) -> (usize, usize) {
        let (checks, open) = self.last;
        if self.rounds == 0 || with_drill {
            (self.made.len(), families(with_drill).len())
        } else {
            (checks - open.min(checks), checks)
        }
    }

    /// How it stands, in words.
    pub(crate) fn words(&self) -> String {
        if let Some(words) = &self.drill {
            return words.clone();
        }
        let (done, all) = self.done(false);
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
    fn families_come_one_after_the_other_round_after_round() {
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
            (DrillStep::Before, "still there"),
            (DrillStep::Away, "taken away"),
            (DrillStep::Back, "given back"),
        ] {
            verification.take(VerifyEvent::Drill {
                service: "orders.sales".into(),
                cluster: "north".into(),
                step,
            });
            let said = verification.words();
            assert!(
                said.starts_with(&format!("orders.sales is {words} in north; ")),
                "{said}"
            );
        }
        verification.take(family(Family::Drill, 3));
        assert_eq!(verification.stage(Family::Drill), Stage::Done(3));
        assert_eq!(verification.done(true), (5, 5));
    }

    #[test]
    fn one_that_cannot_go_on_says_why() {
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
