//! A connection that can be cut in the middle of what passes, or fall silent.

use super::free_port;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Passes on what comes in at its port, to a server at another.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    to: AtomicU16,
    is_ended: AtomicBool,
    /// Connections, and those among them that were cut or fell silent by themselves.
    made: AtomicU64,
    broken: AtomicU64,
    /// The number of times that a client has asked after an answer.
    asked: AtomicU64,
    open: Mutex<Vec<Arc<Pair>>>,
    fate: Fate,
    /// Before a connection is passed on.
    delay: Mutex<Duration>,
}

#[derive(Clone, Copy)]
enum Fate {
    /// Does what the test says.
    Told,
    /// Each is cut after some bytes, at most so many; one in eight falls silent instead.
    Random(u64),
}

struct Pair {
    ends: [TcpStream; 2],
    is_silent: AtomicBool,
    is_answered: AtomicBool,
    /// Bytes until it breaks.
    left: AtomicU64,
    falls_silent: bool,
}

impl Proxy {
    /// As good as no proxy, until it is told otherwise.
    pub(crate) fn to(port: u16) -> Self {
        Self::start(port, Fate::Told)
    }

    /// Breaks each connection after at most so many bytes, in the middle of whatever passes.
    pub(crate) fn breaking(port: u16, most: u64) -> Self {
        Self::start(port, Fate::Random(most))
    }

    fn start(to: u16, fate: Fate) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let [made, broken, asked] = [0; 3].map(AtomicU64::new);
        let open = Mutex::default();
        let shared = Arc::new(Shared {
            to: AtomicU16::new(to),
            is_ended: AtomicBool::new(false),
            made,
            broken,
            asked,
            open,
            fate,
            delay: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if own.is_ended.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(client) = client {
                    let own = Arc::clone(&own);
                    std::thread::spawn(move || own.connect(client));
                }
            }
        });
        Self { port, shared }
    }

    /// The number of connections, and of those that broke by themselves.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.shared.made.load(Ordering::Relaxed), self.shared.broken.load(Ordering::Relaxed))
    }

    /// The number of round trips that were made, by clients that ask one thing at a time.
    pub(crate) fn round_trips(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// The connections that there are swallow whatever comes from now on, without a word.
    pub(crate) fn silence(&self) {
        for pair in self.shared.open.lock().unwrap().iter() {
            pair.is_silent.store(true, Ordering::Relaxed);
        }
    }

    /// Connections that come take so long.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }

    /// Connections that come lead to another server.
    pub(crate) fn lead_to(&self, port: u16) {
        self.shared.to.store(port, Ordering::Relaxed);
    }

    /// The connections that there are end.
    pub(crate) fn cut(&self) {
        for pair in self.shared.open.lock().unwrap().drain(..) {
            pair.cut();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // wakes the listener
        self.cut();
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        std::thread::sleep(*self.delay.lock().unwrap());
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.to.load(Ordering::Relaxed))) else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut rng = StdRng::seed_from_u64(number);
        let (left, falls_silent) = match self.fate {
            Fate::Told => (u64::MAX, false),
            Fate::Random(most) => (rng.random_range(0..most), rng.random_range(0..8) == 0),
        };
        let ends = [client, server];
        let (is_silent, is_answered, left) = (AtomicBool::new(false), AtomicBool::new(true), AtomicU64::new(left));
        let pair = Arc::new(Pair { ends, is_silent, is_answered, left, falls_silent });
        self.open.lock().unwrap().push(Arc::clone(&pair));
        for way in [0, 1] {
            let (shared, pair) = (Arc::clone(self), Arc::clone(&pair));
            std::thread::spawn(move || pair.pass(way, &shared));
        }
    }
}

impl Pair {
    fn cut(&self) {
        for end in &self.ends {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Passes on what comes from one end to the other, until either is gone.
    fn pass(&self, way: usize, shared: &Shared) {
        let (mut from, mut to) = (&self.ends[way], &self.ends[1 - way]);
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if self.is_silent.load(Ordering::Relaxed) {
                continue;
            }
            if self.is_answered.swap(way == 1, Ordering::Relaxed) && way == 0 {
                shared.asked.fetch_add(1, Ordering::Relaxed);
            }
            let count = count as u64;
            let left =
                self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(count)));
            let passed = left.unwrap_or(0).min(count);
            let is_sent = to.write_all(&buffer[..usize::try_from(passed).unwrap()]).is_ok();
            if passed < count && !self.is_silent.swap(true, Ordering::Relaxed) {
                shared.broken.fetch_add(1, Ordering::Relaxed);
                if !self.falls_silent {
                    // So that what was passed on arrives.
                    std::thread::sleep(Duration::from_millis(1));
                    break;
                }
            }
            if !is_sent {
                break;
            }
        }
        self.cut();
        shared.open.lock().unwrap().retain(|pair| !std::ptr::eq(&raw const **pair, self));
    }
}
