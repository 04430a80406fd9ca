//! Whose turn it is on which bed.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most that are used at once.
pub(crate) const MOST_BEDS: usize = 2;

/// A bed keeps two processors busy for half of the time; on two, two beds are slower than one.
fn beds() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (processors / 2).clamp(1, MOST_BEDS)
}

static TURNS: Mutex<Turns> = Mutex::new(Turns {
    beds: [Use::Free; MOST_BEDS],
    is_one_alone: false,
});
static ENDED: Condvar = Condvar::new();

struct Turns {
    beds: [Use; MOST_BEDS],
    is_one_alone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    /// A test failed on it, and left who knows what.
    FreeAndSpoilt,
    Taken,
}

/// A bed is this test's, until it is dropped.
pub(crate) struct Turn {
    number: usize,
    is_spoilt: bool,
    is_alone: bool,
    is_elsewhere: bool,
}

impl Turn {
    /// Waits for a bed, whichever is free.
    pub(crate) fn take() -> Self {
        let mut turns = turns();
        loop {
            let free = turns.beds[..beds()]
                .iter()
                .position(|&bed| bed != Use::Taken);
            match free {
                Some(number) if !turns.is_one_alone => {
                    return turns.begin(number, false);
                }
                _ => turns = ended(turns),
            }
        }
    }

    /// Waits until all are free, and leaves no other one to others meanwhile.
    pub(crate) fn alone() -> Self {
        // The others go first, and start the beds.
        thread::sleep(Duration::from_secs(1));
        let mut turns = turns();
        while turns.beds.contains(&Use::Taken) {
            turns = ended(turns);
        }
        turns.is_one_alone = true;
        turns.begin(0, true)
    }

    /// The same for a test with a bed of its own: what it leaves there is no other test's.
    pub(crate) fn elsewhere() -> Self {
        let mut turn = Self::alone();
        turn.is_elsewhere = true;
        turn
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn is_spoilt(&self) -> bool {
        self.is_spoilt
    }
}

impl Turns {
    fn begin(&mut self, number: usize, is_alone: bool) -> Turn {
        let is_spoilt = self.beds[number] == Use::FreeAndSpoilt;
        self.beds[number] = Use::Taken;
        Turn {
            number,
            is_spoilt,
            is_alone,
            is_elsewhere: false,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = turns();
        let is_spoilt = if self.is_elsewhere {
            self.is_spoilt
        } else {
            thread::panicking()
        };
        turns.beds[self.number] = if is_spoilt {
            Use::FreeAndSpoilt
        } else {
            Use::Free
        };
        if self.is_alone {
            turns.is_one_alone = false;
        }
        ENDED.notify_all();
    }
}

fn turns() -> MutexGuard<'static, Turns> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(turns: MutexGuard<'static, Turns>) -> MutexGuard<'static, Turns> {
    ENDED.wait(turns).unwrap_or_else(PoisonError::into_inner)
}
