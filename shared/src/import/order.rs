//! Merges partial orders into one.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers from 0 in an order that agrees with each of the lists; undetermined and contradictory parts are in ascending
/// order.
pub(super) fn agreed(count: usize, lists: &[Vec<usize>]) -> Vec<usize> {
    let mut after: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for list in lists {
        for pair in list.windows(2) {
            if pair[0] != pair[1] {
                after.entry(pair[0]).or_default().insert(pair[1]);
            }
        }
    }
    let mut before = vec![0_usize; count];
    for &next in after.values().flatten() {
        before[next] += 1;
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut free: BTreeSet<usize> = left
        .iter()
        .copied()
        .filter(|&one| before[one] == 0)
        .collect();
    let mut order = Vec::new();
    while let Some(one) = free.pop_first().or_else(|| left.first().copied()) {
        if !left.remove(&one) {
            continue;
        }
        order.push(one);
        for &next in after.get(&one).into_iter().flatten() {
            before[next] = before[next].saturating_sub(1);
            if before[next] == 0 && left.contains(&next) {
                free.insert(next);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::agreed;

    #[test]
    fn the_order_agrees_with_the_lists() {
        for (lists, expected) in [
            (&[][..], [0, 1, 2, 3]),
            (&[&[2, 0][..]], [1, 2, 0, 3]),
            (&[&[3, 1], &[1, 0]], [2, 3, 1, 0]),
            (&[&[3, 2, 1, 0]], [3, 2, 1, 0]),
            // A contradiction.
            (&[&[1, 0], &[0, 1]], [2, 3, 0, 1]),
            (&[&[1, 1]], [0, 1, 2, 3]),
        ] {
            let lists: Vec<Vec<usize>> = lists.iter().map(|list| list.to_vec()).collect();
            assert_eq!(agreed(4, &lists), expected, "{lists:?}");
        }
    }
}
