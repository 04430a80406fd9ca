//! The field managers of an object, with times: a conflict with an apply lacks the time.

use serde::Deserialize;
use serde_json::Value;
use shared::plan::Conflict;

/// The entries of an object's `managedFields`, without the fields.
#[derive(Debug, Default)]
pub(super) struct Writers(Vec<Entry>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    manager: String,
    operation: String,
    subresource: String,
    time: Option<String>,
}

impl Writers {
    /// Parses the `metadata` of an object.
    pub(super) fn of(metadata: &Value) -> Self {
        let entries = metadata["managedFields"].as_array().into_iter().flatten();
        // An invalid entry only leaves out the time of a conflict.
        let read = entries.filter_map(|entry| Entry::deserialize(entry).ok());
        Self(read.collect())
    }

    /// Adds the times of the managers' writes to conflicts that lack them.
    pub(super) fn complete(&self, conflicts: &mut [Conflict]) {
        for conflict in conflicts {
            let is_it = |entry: &&Entry| {
                entry.manager == conflict.manager
                    && conflict.operation.as_ref() == Some(&entry.operation)
                    && conflict.subresource.as_deref().unwrap_or_default() == entry.subresource
            };
            if conflict.time.is_none()
                && let Some(entry) = self.0.iter().find(is_it)
            {
                conflict.time.clone_from(&entry.time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::plan::Conflict;

    use super::Writers;

    #[test]
    fn the_time_is_that_of_the_same_manager_and_operation() {
        let metadata = json!({ "managedFields": [
            { "manager": "argocd", "operation": "Update", "time": "2026-01-01T00:00:00Z" },
            { "manager": "argocd", "operation": "Apply", "time": "2026-01-02T00:00:00Z" },
            { "manager": "hpa", "operation": "Apply", "subresource": "scale", "time": "2026-01-03T00:00:00Z" },
        ] });
        let conflict = |manager: &str, time: Option<&str>| Conflict {
            manager: manager.into(),
            operation: Some("Apply".into()),
            time: time.map(str::to_owned),
            ..Conflict::default()
        };
        let mut conflicts = [
            conflict("argocd", None),
            conflict("argocd", Some("2026-01-09T00:00:00Z")),
            conflict("hpa", None),
        ];
        Writers::of(&metadata).complete(&mut conflicts);
        let times = conflicts.map(|one| one.time);
        assert_eq!(
            times.each_ref().map(Option::as_deref),
            [
                Some("2026-01-02T00:00:00Z"),
                Some("2026-01-09T00:00:00Z"),
                None
            ]
        );
    }
}
