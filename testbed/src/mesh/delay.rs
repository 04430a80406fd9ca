//! Links with a delay, since the machine's kernel may not have netem.
//!
//! The node's link moves from the hub's bridge to a bridge of its own, and a thread forwards frames between TAP devices
//! on the two bridges after a delay. Frames keep their order, and none is dropped because of the number. The thread
//! owns the devices, so they are removed when it ends.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::network::{Hub, address, enter};
use crate::BedError;

const DEVICES: &str = "/dev/net/tun";
/// An Ethernet frame with room for tags; devices without offloads have no larger one.
const FRAME_MAX: usize = 2048;
/// Limit of frames that wait in the kernel for the thread.
const QUEUE: u32 = 100_000;
/// Interval at which the thread checks whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A delay of packets between a cluster's node and other nodes, until this value is dropped. Packets in flight are then
/// lost.
#[derive(Debug)]
#[must_use = "the delay ends when this is dropped"]
pub struct Delay<'a> {
    hub: &'a Hub,
    number: u8,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<'a> Delay<'a> {
    /// `round_trip` is the total delay in both directions, half of it in each.
    pub(super) fn start(hub: &'a Hub, number: u8, round_trip: Duration) -> Result<Self, BedError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (made, is_made) = mpsc::channel();
        let thread = std::thread::spawn({
            let (namespace, stop) = (hub.namespace(), Arc::clone(&stop));
            move || {
                let (ends, result) = match ends(&namespace, number) {
                    Ok(ends) => (Some(ends), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                let _started = made.send(result);
                if let Some(ends) = ends {
                    hand_on(&ends, round_trip / 2, &stop);
                }
            }
        });
        is_made.recv().unwrap_or_else(|error| {
            let source = io::Error::other(error);
            let path = PathBuf::from(DEVICES);
            Err(BedError::File { path, source })
        })?;
        // From here on there is something to clean up.
        let delay = Self {
            hub,
            number,
            stop,
            thread: Some(thread),
        };
        delay.plug()?;
        Ok(delay)
    }

    fn plug(&self) -> Result<(), BedError> {
        let aside = format!("aside{}", self.number);
        let [near, far] = names(self.number);
        self.hub.ip(&["link", "add", &aside, "type", "bridge"])?;
        self.hub.ip(&["link", "set", &aside, "up"])?;
        self.hub
            .ip(&["link", "set", &far, "master", &aside, "up"])?;
        self.hub.join(&near)?;
        self.hub
            .ip(&["link", "set", &link(self.number), "master", &aside])
    }

    fn unplug(&self) -> Result<(), BedError> {
        self.hub.join(&link(self.number))?;
        let aside = format!("aside{}", self.number);
        self.hub.ip(&["link", "delete", &aside])
    }
}

impl Drop for Delay<'_> {
    fn drop(&mut self) {
        // Parts may not have been created, and the bed may have ended.
        let _result = self.unplug();
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _result = thread.join();
        }
    }
}

/// The hub's end of a node's link.
fn link(number: u8) -> String {
    format!("node{number}")
}

/// The TAP devices: on the hub's bridge, and on the node's own.
fn names(number: u8) -> [String; 2] {
    [format!("near{number}"), format!("far{number}")]
}

/// Makes the TAP devices, from a thread that stays in the hub's network.
fn ends(namespace: &Path, number: u8) -> Result<[SyncDevice; 2], BedError> {
    enter(namespace)?;
    let make = |name: &str| {
        let builder = DeviceBuilder::new().name(name).layer(Layer::L2);
        let builder = builder.enable(false).with(|on_linux| {
            on_linux.tx_queue_len(QUEUE);
        });
        let device = builder.build_sync()?;
        device.set_nonblocking(true)?;
        Ok(device)
    };
    let [near, far] = names(number);
    let both = make(&near).and_then(|near| Ok([near, make(&far)?]));
    both.map_err(|source| BedError::File {
        path: PathBuf::from(DEVICES),
        source,
    })
}

/// Frames in flight in one direction, the first to arrive in front.
type Held = VecDeque<(Instant, Vec<u8>)>;

fn hand_on(ends: &[SyncDevice; 2], delay: Duration, stop: &AtomicBool) {
    let mut held = [Held::new(), Held::new()];
    let mut frame = vec![0; FRAME_MAX];
    while !stop.load(Ordering::Relaxed) {
        wait(ends, &held);
        for (from, held) in held.iter_mut().enumerate() {
            let to = &ends[1 - from];
            while let Ok(length) = ends[from].recv(&mut frame) {
                let frame = &frame[..length];
                if is_between_nodes(frame) {
                    held.push_back((Instant::now() + delay, frame.to_vec()));
                } else {
                    send(to, frame);
                }
            }
            while let Some((_, frame)) = held.pop_front_if(|(due, _)| *due <= Instant::now()) {
                send(to, &frame);
            }
        }
    }
}

/// A device accepts every frame while it is up; before and after, frames are lost, as on any link.
fn send(to: &SyncDevice, frame: &[u8]) {
    let _is_up = to.send(frame);
}

/// Waits until a frame arrives or is due, or until the next check for the end.
fn wait(ends: &[SyncDevice; 2], held: &[Held; 2]) {
    let due = held.iter().filter_map(|held| Some(held.front()?.0)).min();
    let time = due.map_or(LOOK_EVERY, |due| {
        due.saturating_duration_since(Instant::now())
            .min(LOOK_EVERY)
    });
    let mut polled = ends.each_ref().map(|end| PollFd::new(end, PollFlags::IN));
    // An interrupted wait is only shorter.
    let _ready = poll(&mut polled, Timespec::try_from(time).ok().as_ref());
}

/// Whether a frame is an IPv4 packet of which neither end is the hub, which has the clients of API servers and the name
/// servers.
fn is_between_nodes(frame: &[u8]) -> bool {
    let is_of_hub = |at: usize| {
        let address = frame.get(at..at + 4);
        [address::HUB, address::RESOLVER]
            .iter()
            .any(|hub| address == Some(&hub.octets()[..]))
    };
    frame.get(12..14) == Some(&[0x08, 0x00]) && !is_of_hub(26) && !is_of_hub(30)
}
