//! Objects that are off: not in the rendered state.

use super::cause::Cause;
use super::conditions::Condition;
use crate::kubernetes::object::Key;

/// An object that is not up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffObject {
    /// Its cluster.
    pub cluster: String,
    /// The object.
    pub object: Key,
    /// Its state.
    pub how: Off,
}

/// The state of an object that is not up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Off {
    /// It does not exist.
    Missing,
    /// It differs from the rendered object.
    Changed,
    /// The server refuses it, or does not show it: the reason.
    Refused(String),
    /// Its controller does not accept its current state: the conditions.
    NotAccepted(Vec<Condition>),
    /// Its controller has not set a status for its current state: the missing condition.
    Unsaid(String),
    /// It is as rendered, and others have added fields: the fields with their managers.
    Drifted(Vec<String>),
}

impl Off {
    /// Whether it may have no effect on calls.
    pub(super) fn may_be_harmless(&self) -> bool {
        matches!(self, Self::Changed | Self::Unsaid(_) | Self::Drifted(_))
    }
}

impl OffObject {
    /// The probable cause.
    pub fn cause(&self) -> Cause {
        let (cluster, object) = (self.cluster.clone(), self.object.to_string());
        match &self.how {
            Off::Missing => Cause::ObjectMissing { cluster, object },
            Off::Changed
                if self.object.kind == "ConfigMap" && self.object.namespace == "kube-system" =>
            {
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
