//! Whose answer is made next: a bounded queue that lets its clients go in turn, so that one who asks much makes nobody
//! else wait for all of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Questions that may wait, of all clients.
pub const MOST_WAITING: usize = 128;
/// Questions of one client that may wait.
pub const MOST_WAITING_OF_ONE: usize = 32;

/// Who asks: what is equal shares one place in the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(pub u64);

/// The queue has no room.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{waiting} questions wait already")]
pub struct QueueFull {
    /// Of all clients, or of this one where it has its share.
    pub waiting: usize,
}

/// Hands out turns.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<Queue>>);

struct Queue {
    free: usize,
    /// Those who wait, the next client first. None is empty.
    lanes: VecDeque<Lane>,
    numbers: u64,
}

struct Lane {
    client: Client,
    waiting: VecDeque<Waiter>,
}

struct Waiter {
    number: u64,
    go: oneshot::Sender<Turn>,
}

/// The right to make one answer; dropping it lets the next go.
pub struct Turn(Turns);

impl Drop for Turn {
    fn drop(&mut self) {
        let next = self.0.queue().next_or_free();
        // Who left just now drops the turn that it is sent, which passes it on.
        if let Some(waiter) = next {
            drop(waiter.go.send(Turn(self.0.clone())));
        }
    }
}

/// Somebody's place in the queue, which ends with it.
struct Place<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.queue().leave(self.number);
    }
}

impl Turns {
    /// `at_once`: turns that are out at the same time.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { free: at_once, lanes: VecDeque::new(), numbers: 0 })))
    }

    /// Waits for a turn. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// At once when there is no room to wait.
    pub async fn take(&self, client: Client) -> Result<Turn, QueueFull> {
        let (number, go) = {
            let mut queue = self.queue();
            if queue.free > 0 {
                queue.free -= 1;
                drop(queue);
                return Ok(Turn(self.clone()));
            }
            queue.wait(client)?
        };
        let place = Place { turns: self, number };
        let turn = go.await;
        drop(place);
        Ok(turn.expect("only its own place takes a waiter out of the queue without sending it a turn"))
    }

    /// Questions that wait.
    pub fn waiting(&self) -> usize {
        self.queue().waiting()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting.len()).sum()
    }

    fn wait(&mut self, client: Client) -> Result<(u64, oneshot::Receiver<Turn>), QueueFull> {
        let lane = self.lanes.iter_mut().position(|lane| lane.client == client);
        let own = lane.map_or(0, |at| self.lanes[at].waiting.len());
        for (waiting, most) in [(own, MOST_WAITING_OF_ONE), (self.waiting(), MOST_WAITING)] {
            if waiting >= most {
                return Err(QueueFull { waiting });
            }
        }
        let at = lane.unwrap_or_else(|| {
            self.lanes.push_back(Lane { client, waiting: VecDeque::new() });
            self.lanes.len() - 1
        });
        self.numbers += 1;
        let (go, receiver) = oneshot::channel();
        self.lanes[at].waiting.push_back(Waiter { number: self.numbers, go });
        Ok((self.numbers, receiver))
    }

    /// The next one; its client goes to the end of the round. Without one the turn is free.
    fn next_or_free(&mut self) -> Option<Waiter> {
        let Some(mut lane) = self.lanes.pop_front() else {
            self.free += 1;
            return None;
        };
        let waiter = lane.waiting.pop_front();
        if !lane.waiting.is_empty() {
            self.lanes.push_back(lane);
        }
        waiter
    }

    fn leave(&mut self, number: u64) {
        for lane in &mut self.lanes {
            lane.waiting.retain(|waiter| waiter.number != number);
        }
        self.lanes.retain(|lane| !lane.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    type Waiting<'a> = BoxFuture<'a, Result<Turn, QueueFull>>;

    /// Asks, and stands in the queue.
    fn ask(turns: &Turns, client: u64) -> Waiting<'_> {
        let mut asked = turns.take(Client(client)).boxed();
        assert!((&mut asked).now_or_never().is_none(), "there was a turn");
        asked
    }

    /// Gives the turn on until nobody waits; the indices in the order in which they had it.
    fn order(turn: Turn, mut waiting: Vec<(usize, Waiting)>) -> Vec<usize> {
        let (mut held, mut order) = (Some(turn), Vec::new());
        while !waiting.is_empty() {
            held.take();
            let ready = waiting.iter_mut().position(|(_, asked)| match asked.now_or_never() {
                Some(turn) => {
                    held = turn.ok();
                    true
                }
                None => false,
            });
            order.push(waiting.remove(ready.expect("a turn goes to somebody")).0);
        }
        order
    }

    fn first(turns: &Turns) -> Turn {
        turns.take(Client(0)).now_or_never().expect("at once").expect("free")
    }

    #[test]
    fn clients_go_in_turn() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        // Client 1 asks four times before client 2 and 3 come.
        let waiting =
            [1, 1, 1, 1, 2, 3, 2].map(|client| ask(&turns, client)).into_iter().enumerate().collect();
        assert_eq!(turns.waiting(), 7);
        assert_eq!(order(turn, waiting), [0, 4, 5, 1, 6, 2, 3]);
        assert!(turns.take(Client(9)).now_or_never().is_some(), "the last turn is free again");
    }

    #[test]
    fn who_leaves_is_passed_over() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        let mut waiting: Vec<_> =
            [1, 2, 1, 3].map(|client| ask(&turns, client)).into_iter().enumerate().collect();
        drop(waiting.remove(1));
        assert_eq!(turns.waiting(), 3);
        // The turn is sent to the first, who leaves without having looked.
        drop(turn);
        drop(waiting.remove(0));
        let (_, asked) = waiting.remove(1);
        let turn = asked.now_or_never().expect("the next has it").expect("a turn");
        assert_eq!(order(turn, waiting), [2]);
    }

    #[test]
    fn the_queue_is_bounded_for_each_and_for_all() {
        let turns = Turns::new(2);
        let held = [first(&turns), first(&turns)];
        let full = |client| {
            turns.take(Client(client)).now_or_never().map(|turn| turn.err().map(|full| full.waiting))
        };
        let mut waiting: Vec<_> = (0..MOST_WAITING_OF_ONE).map(|_| ask(&turns, 1)).collect();
        assert_eq!(full(1), Some(Some(MOST_WAITING_OF_ONE)));
        for client in 0.. {
            if turns.waiting() == MOST_WAITING {
                break;
            }
            waiting.push(ask(&turns, 100 + client));
        }
        assert_eq!(full(2), Some(Some(MOST_WAITING)));
        drop(waiting);
        assert_eq!(turns.waiting(), 0);
        drop(held);
        let _both_again = [first(&turns), first(&turns)];
    }
}
