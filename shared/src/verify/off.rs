//! Objects that are not as they should be, and how.

use super::cause::Cause;
use super::conditions::Condition;

/// An object that is not in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffObject {
    /// Where.
    pub cluster: String,
    /// `Kind namespace/name`.
    pub object: String,
    /// How it is off.
    pub how: Off,
}

/// How an object is not in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Off {
    /// It is not there at all.
    Missing,
    /// It is there otherwise.
    Changed,
    /// The server refuses it, or to show it: why.
    Refused(String),
    /// It is there, and its controller does not accept it as it is: the conditions that say so.
    NotAccepted(Vec<Condition>),
    /// It is there, and its controller has not said anything of it as it is: the condition that is missing.
    Unsaid(String),
    /// It is there as it should be, and others have added fields: which, and who.
    Drifted(Vec<String>),
}

impl Off {
    /// Whether it may be so for no harm.
    pub(super) fn may_be_harmless(&self) -> bool {
        matches!(self, Self::Changed | Self::Unsaid(_) | Self::Drifted(_))
    }
}

impl OffObject {
    /// What it means.
    pub fn cause(&self) -> Cause {
        let (cluster, object) = (self.cluster.clone(), self.object.clone());
        match &self.how {
            Off::Missing => Cause::ObjectMissing { cluster, object },
            Off::Changed if self.object.starts_with("ConfigMap kube-system/") => {
                Cause::ClusterDnsEdited { cluster, object }
            }
            Off::Changed => Cause::ObjectChanged { cluster, object },
            Off::Refused(why) => Cause::ObjectRefused {
                cluster,
                object,
                why: why.clone(),
            },
            Off::NotAccepted(conditions) => Cause::NotAccepted {
                cluster,
                object,
                conditions: conditions.clone(),
            },
            Off::Drifted(fields) => Cause::ObjectDrifted {
                cluster,
                object,
                fields: fields.clone(),
            },
            Off::Unsaid(condition) => Cause::NoStatus {
                cluster,
                object,
                condition: condition.clone(),
            },
        }
    }
}
