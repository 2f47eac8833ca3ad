//! The connections there are: at most [`MOST`], events included.
//!
//! One that has not yet sent a whole request can be in no hurry: when all
//! places are taken, the one that has waited longest among these makes room.
//! So a crowd that dribbles keeps nobody out, and a browser's idle connections
//! cost nothing. If every connection is at work, a new one is told to wait.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Most connections at once.
pub(super) const MOST: usize = 32;

/// The places.
#[derive(Debug, Default)]
pub(super) struct Connections {
    places: Mutex<Vec<Arc<Place>>>,
    count: AtomicU64,
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    is_busy: AtomicBool,
    leave: Notify,
}

impl Connections {
    /// A place for a new connection, made free if need be and possible.
    pub(super) fn enter(&self) -> Option<Arc<Place>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() == MOST {
            // They stand in the order in which they came.
            let waiting = places.iter().position(|place| !place.is_busy())?;
            places.remove(waiting).leave.notify_one();
        }
        let place = Arc::new(Place {
            number: self.count.fetch_add(1, Ordering::Relaxed),
            is_busy: AtomicBool::new(false),
            leave: Notify::new(),
        });
        places.push(Arc::clone(&place));
        Some(place)
    }

    /// Gives a place back.
    pub(super) fn leave(&self, place: &Place) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|other| other.number != place.number);
    }
}

impl Place {
    /// Whether a request is being answered.
    fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// From now on a request is being answered, or no longer.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Comes back when the place is wanted for another.
    pub(super) async fn wanted(&self) {
        self.leave.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_longest_makes_room() {
        let connections = Connections::default();
        let places: Vec<_> = (0..MOST).filter_map(|_| connections.enter()).collect();
        assert_eq!(places.len(), MOST);
        places[0].set_busy(true);
        assert!(connections.enter().is_some(), "places[1] goes");
        let numbers: Vec<u64> = {
            let places = connections.places.lock().expect("nobody panics");
            places.iter().map(|place| place.number).collect()
        };
        assert!(numbers.contains(&0) && !numbers.contains(&1));
        assert_eq!(numbers.len(), MOST);
    }

    #[test]
    fn nobody_at_work_is_sent_away() {
        let connections = Connections::default();
        let places: Vec<_> = (0..MOST).filter_map(|_| connections.enter()).collect();
        places.iter().for_each(|place| place.set_busy(true));
        assert!(connections.enter().is_none());
        connections.leave(&places[7]);
        assert!(connections.enter().is_some());
    }
}
