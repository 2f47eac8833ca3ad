//! The connections there are: at most [`MOST`], event streams included.
//!
//! One that has not yet sent a whole request can be in no hurry: when all
//! places are taken, the one that has waited longest among these makes room.
//! So a crowd that dribbles keeps nobody out, and a browser's idle connections
//! cost nothing. If every connection is at work, a new one is told to wait.
//!
//! An event stream is at work until it ends, so at most [`MOST_STREAMS`] of
//! the connections may be streams: a new one takes the place of the oldest.
//! The other places are left for requests that end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Most connections at once.
pub(super) const MOST: usize = 32;

/// Most event streams at once: one for each visible page is enough.
pub(super) const MOST_STREAMS: usize = MOST / 2;

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
    is_stream: AtomicBool,
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
            is_stream: AtomicBool::new(false),
            leave: Notify::new(),
        });
        places.push(Arc::clone(&place));
        Some(place)
    }

    /// From now on this connection is an event stream. If there are too many,
    /// the oldest ends.
    pub(super) fn begin_stream(&self, place: &Place) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other =
            |other: &Place| other.is_stream.load(Ordering::Relaxed) && other.number != place.number;
        if places.iter().filter(|other| is_other(other)).count() >= MOST_STREAMS
            && let Some(oldest) = places.iter().position(|other| is_other(other))
        {
            places.remove(oldest).leave.notify_one();
        }
        place.is_stream.store(true, Ordering::Relaxed);
        place.set_busy(true);
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

    /// The stream has ended; the connection may be used again.
    pub(super) fn end_stream(&self) {
        self.is_stream.store(false, Ordering::Relaxed);
        self.set_busy(false);
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
    #[test]
    fn a_stream_too_many_takes_the_place_of_the_oldest() {
        let connections = Connections::default();
        let places: Vec<_> = (0..MOST).filter_map(|_| connections.enter()).collect();
        places
            .iter()
            .for_each(|place| connections.begin_stream(place));
        let left = |connections: &Connections| -> Vec<u64> {
            let places = connections.places.lock().expect("nobody panics");
            places.iter().map(|place| place.number).collect()
        };
        let newest: Vec<u64> = (MOST_STREAMS as u64..MOST as u64).collect();
        assert_eq!(left(&connections), newest);
        // One that has ended is not counted.
        places[MOST - 1].end_stream();
        let next = connections.enter().expect("half of the places are free");
        connections.begin_stream(&next);
        assert_eq!(left(&connections).len(), MOST_STREAMS + 1);
        // The same connection may begin again.
        connections.begin_stream(&next);
        assert_eq!(left(&connections).len(), MOST_STREAMS + 1);
    }
}
