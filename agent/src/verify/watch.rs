//! What a client sees from tick to tick, and when it has settled: pure.

use std::time::Duration;

/// So many good answers of the expected clusters in a row, three seconds of them, are no chance
/// where several clusters answer by turns.
const IN_A_ROW: usize = 15;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// When it was sent, since the first one.
    pub(super) at: Duration,
    /// Whether the answer is as expected, whoever gave it.
    pub(super) is_good: bool,
    /// Who gave it.
    pub(super) answered_by: Option<String>,
}

/// What one client has seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// When the first request was sent.
    pub(super) begin: Option<tokio::time::Instant>,
    /// In the order of sending.
    pub(super) samples: Vec<Sample>,
    /// The first sample after the way back.
    pub(super) returning_from: usize,
    /// How long traffic took to move.
    pub(super) moved: Option<Duration>,
    /// How long it took to come back.
    pub(super) returned: Option<Duration>,
}

impl Watched {
    /// Answers come in another order than their requests were sent in.
    pub(super) fn add(&mut self, sample: Sample) {
        let place = self
            .samples
            .partition_point(|other| other.at <= sample.at)
            .max(self.returning_from.min(self.samples.len()));
        self.samples.insert(place, sample);
    }
}

/// When the last good answers in a row from the expected clusters began, since a moment; `None`
/// while there are too few of them.
pub(super) fn since_settled(
    samples: &[Sample],
    expected: &[String],
    moment: Duration,
) -> Option<Duration> {
    let is_expected = |sample: &&Sample| {
        sample.is_good
            && sample
                .answered_by
                .as_ref()
                .is_some_and(|cluster| expected.contains(cluster))
    };
    let row: Vec<&Sample> = samples.iter().rev().take_while(is_expected).collect();
    (row.len() >= IN_A_ROW)
        .then(|| row.last().map(|first| first.at.saturating_sub(moment)))
        .flatten()
}

/// Requests without a good answer.
pub(super) fn lost(samples: &[Sample]) -> u32 {
    let lost = samples.iter().filter(|sample| !sample.is_good).count();
    u32::try_from(lost).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` and `s` are good answers of north and south, `-` is none, `?` one of nobody.
    fn samples(text: &str) -> Vec<Sample> {
        text.chars()
            .zip(0u64..)
            .map(|(c, tick)| Sample {
                at: Duration::from_millis(tick * 200),
                is_good: c != '-',
                answered_by: match c {
                    'n' => Some("north".to_owned()),
                    's' => Some("south".to_owned()),
                    _ => None,
                },
            })
            .collect()
    }

    #[test]
    fn traffic_has_settled_after_some_good_answers_in_a_row() {
        let south = ["south".to_owned()];
        let enough = "s".repeat(IN_A_ROW);
        let nearly = "s".repeat(IN_A_ROW - 1);
        for (text, settled) in [
            (String::new(), None),
            (nearly.clone(), None),
            (enough.clone(), Some(0)),
            (format!("nn-{enough}"), Some(600)),
            (format!("nn-{enough}n"), None),
            (format!("{enough}-{nearly}"), None),
            (format!("nn-{enough}-{enough}"), Some(3800)),
            (format!("{enough}?"), None),
        ] {
            let found = since_settled(&samples(&text), &south, Duration::ZERO);
            assert_eq!(found, settled.map(Duration::from_millis), "{text}");
        }
        let after = Duration::from_millis(400);
        assert_eq!(
            since_settled(&samples(&format!("nn-{enough}")), &south, after),
            Some(Duration::from_millis(200))
        );
        assert_eq!(since_settled(&samples(&enough), &[], Duration::ZERO), None);
        assert_eq!(lost(&samples("nn--s-s?")), 3);
    }

    #[test]
    fn answers_are_kept_in_the_order_of_their_requests() {
        let mut watched = Watched::default();
        let all = samples("n-s");
        for index in [2, 0, 1] {
            watched.add(all[index].clone());
        }
        assert_eq!(watched.samples, all);
    }
}
