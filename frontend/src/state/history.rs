//! The document with its undo history.

use shared::Mesh;

/// Versions that are kept; older ones are dropped.
const KEPT: usize = 200;

/// A document with undo and redo.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    past: Vec<Mesh>,
    present: Mesh,
    future: Vec<Mesh>,
    /// The field that is being edited: the text that is typed into it is one step.
    run: Option<String>,
}

impl History {
    pub(crate) fn new(present: Mesh) -> Self {
        Self {
            present,
            ..Self::default()
        }
    }

    pub(crate) fn present(&self) -> &Mesh {
        &self.present
    }

    /// Changes the document. Consecutive changes with the same `run` are one step, and each one starts from the
    /// document before the run, so that an incomplete text leaves no trace.
    pub(crate) fn edit(&mut self, run: Option<&str>, change: impl FnOnce(&mut Mesh)) {
        let continues = run.is_some() && run == self.run.as_deref();
        let before = self.past.last().filter(|_| continues);
        let mut next = before.unwrap_or(&self.present).clone();
        change(&mut next);
        if next == self.present {
            return;
        }
        let before = std::mem::replace(&mut self.present, next);
        if !continues {
            self.past.push(before);
            if self.past.len() > KEPT {
                self.past.remove(0);
            }
        }
        self.future.clear();
        self.run = run.map(str::to_owned);
    }

    /// Ends a run: the next change is a step of its own.
    pub(crate) fn rest(&mut self) {
        self.run = None;
    }

    pub(crate) fn undo(&mut self) {
        if let Some(before) = self.past.pop() {
            self.future
                .push(std::mem::replace(&mut self.present, before));
            self.run = None;
        }
    }

    pub(crate) fn redo(&mut self) {
        if let Some(after) = self.future.pop() {
            self.past.push(std::mem::replace(&mut self.present, after));
            self.run = None;
        }
    }

    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub(crate) fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    fn typed(history: &mut History, run: &str, text: &str) {
        for end in 1..=text.len() {
            history.edit(Some(run), |mesh| {
                mesh.metadata.name = text[..end].to_owned();
            });
        }
    }

    #[test]
    fn typing_into_a_field_is_one_step() {
        let mut history = History::default();
        typed(&mut history, "a", "demo");
        history.rest();
        typed(&mut history, "a", "other");
        assert_eq!(history.present().metadata.name, "other");
        history.undo();
        assert_eq!(history.present().metadata.name, "demo");
        history.undo();
        assert_eq!(history.present().metadata.name, "");
        assert!(!history.can_undo() && history.can_redo());
        history.redo();
        history.redo();
        assert_eq!(history.present().metadata.name, "other");
        assert!(!history.can_redo());
    }

    #[test]
    fn an_incomplete_text_leaves_no_trace() {
        let mut history = History::new(crate::form::template::walkthrough());
        history.edit(None, |mesh| {
            mesh.spec.services[0].clusters = Some(vec!["cluster1".to_owned()]);
        });
        // On the way, the text is the name of the other cluster.
        for name in ["cluster", "cluster2", "cluster21"] {
            history.edit(Some("a"), |mesh| mesh.spec.rename_cluster(0, name));
        }
        let services = &history.present().spec.services;
        assert_eq!(services[0].clusters, Some(vec!["cluster21".to_owned()]));
        history.undo();
        assert_eq!(history.present().spec.clusters[0].name, "cluster1");
    }

    #[test]
    fn a_change_after_undo_drops_redo() {
        let mut history = History::default();
        typed(&mut history, "a", "x");
        history.undo();
        typed(&mut history, "b", "y");
        assert!(!history.can_redo());
    }

    #[test]
    fn the_oldest_versions_are_forgotten() {
        let mut history = History::default();
        for number in 0..super::KEPT + 5 {
            history.edit(None, |mesh| mesh.metadata.name = number.to_string());
        }
        let mut steps = 0;
        while history.can_undo() {
            history.undo();
            steps += 1;
        }
        assert_eq!(steps, super::KEPT);
        assert_eq!(history.present().metadata.name, "4");
    }

    #[test]
    fn a_change_without_effect_is_not_a_step() {
        let mut history = History::default();
        history.edit(None, |_| {});
        assert!(!history.can_undo());
    }
}
