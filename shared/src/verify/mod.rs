//! Results of a verification: a row for each check, and the probable cause of each failure.
//!
//! The agent sends the traffic; its results are judged here, without I/O, so that every cause can be tested by a table
//! of observations.
//!
//! ```text
//! expectation + observation + evidence from the API ──judge──▶ passed | Cause ──explain──▶ Check
//! ```

mod backend;
mod call;
mod cause;
mod conditions;
mod drill;
mod off;
mod record;
mod table;
mod words;

use serde::{Deserialize, Serialize};

pub use backend::{Backend, PortSeen};
pub use call::{Around, DENIED, Expected, Failure, HttpResponse, Reply, judge_call, judge_refused};
pub use cause::{Cause, Explanation};
pub use conditions::{Condition, judge_conditions};
pub use drill::{
    Drill, DrillClient, DrillPlace, DrillStep, DrillTarget, DrillTargetError, Drillable,
    NotDrillable, drillable,
};
pub use off::{Off, OffObject};
pub use record::{Owner, RecordAround, Resolution, Resolver, judge_record};
pub use table::{Row, ServiceRows, Table};
pub use words::{Fault, faults, name_of};

/// The results of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The mesh's name.
    pub mesh: String,
    /// Every check: objects, records, gateways, calls, drill; in the order of the document.
    pub checks: Vec<Check>,
    /// The drill, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// The services that can be drilled, in the order of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drillable: Vec<Drillable>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The kind of check.
    pub family: Family,
    /// The cluster of the check: the client's for a call, the gateway's own for a gateway; empty for a record that is
    /// queried outside of every cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// `<name>.<namespace>` of the service; empty for objects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The called or queried name; for an object, `Kind namespace/name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// `vanity`, `global`, `region`, `zone`, `cluster` or, for the service's own name, `local`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// The queried or calling party: a name server, a gateway's address, a pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked: String,
    /// The expected result, for display.
    pub expected: String,
    /// The observed result.
    pub seen: Seen,
    /// The outcome.
    pub outcome: Outcome,
    /// For information only: it counts neither as a failure nor as a check that could not be made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub advisory: bool,
    /// The reason why it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Explanation>,
}

/// The observed result of a check; all of it optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The cluster whose gateway answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// Addresses in DNS, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Time until the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u32>,
    /// Anything else, such as an error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// The families of checks, in their order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "camelCase")]
pub enum Family {
    /// The rendered objects are in the clusters, as rendered.
    Objects,
    /// A name has the expected addresses.
    Record,
    /// A gateway answers a name.
    Gateway,
    /// A client inside a mesh is answered.
    Call,
    /// A service was scaled down on purpose, and traffic moved.
    Drill,
}

impl Family {
    /// All families in their order.
    pub const ALL: [Self; 5] = [
        Self::Objects,
        Self::Record,
        Self::Gateway,
        Self::Call,
        Self::Drill,
    ];

    /// Its name in output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// Unknown.
    CouldNotCheck,
}

impl Outcome {
    /// The outcome as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::CouldNotCheck => "could not check",
        }
    }
}

/// Counts of a report; advisory checks are not in the first three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Unknown.
    pub could_not_check: usize,
    /// For information only, and not passed.
    pub advisory: usize,
}

impl Counts {
    /// Counts checks.
    pub fn of<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Self {
        let mut counts = Self::default();
        for check in checks {
            let count = match (check.outcome, check.advisory) {
                (Outcome::Passed, _) => &mut counts.passed,
                (_, true) => &mut counts.advisory,
                (Outcome::Failed, false) => &mut counts.failed,
                (Outcome::CouldNotCheck, false) => &mut counts.could_not_check,
            };
            *count += 1;
        }
        counts
    }

    /// The outcome of the whole: failed if anything failed, else whether something could not be
    /// checked.
    pub const fn outcome(self) -> Outcome {
        if self.failed > 0 {
            Outcome::Failed
        } else if self.could_not_check > 0 {
            Outcome::CouldNotCheck
        } else {
            Outcome::Passed
        }
    }
}

impl Report {
    /// Number of checks per outcome.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.checks)
    }

    /// The outcome of the whole: failed if anything failed, else whether something could not be
    /// checked.
    pub fn outcome(&self) -> Outcome {
        self.counts().outcome()
    }
}

impl Check {
    /// A passed check to be filled in.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            cluster: String::new(),
            service: String::new(),
            host: String::new(),
            level: String::new(),
            asked: String::new(),
            expected: String::new(),
            seen: Seen::default(),
            outcome: Outcome::Passed,
            advisory: false,
            cause: None,
        }
    }

    /// Completes a check with a cause.
    #[must_use]
    pub fn with(mut self, outcome: Outcome, cause: &Cause) -> Self {
        self.outcome = outcome;
        self.cause = Some(cause.explain());
        self
    }

    /// Whether it prevents a good outcome and a retry may succeed later.
    pub fn is_worth_another_try(&self) -> bool {
        match (self.outcome, self.advisory, &self.cause) {
            (Outcome::Passed, ..) | (_, true, _) => false,
            (Outcome::Failed, ..) => true,
            (Outcome::CouldNotCheck, _, cause) => cause.as_ref().is_some_and(Explanation::may_pass),
        }
    }
}
