//! RabbitMQ: durable queues, persistent messages, a confirmation for each publication.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::amqp::{Channel, Said, long, short};
use super::child::{self, Child};
use super::trial::{Consumer, Publisher, Server};

/// A node of its own in a folder of its own; ends with this value.
pub(crate) struct Rabbit {
    // The node ends before the daemon that knows its name.
    _node: Child,
    _names: Child,
    address: SocketAddr,
}

/// One kind of its queues.
pub(crate) struct Kind<'r> {
    /// The node.
    pub(crate) rabbit: &'r Rabbit,
    /// `classic` or `quorum`.
    pub(crate) name: &'static str,
}

impl Rabbit {
    /// Starts it: half a minute on a small machine.
    pub(crate) fn start(program: &Path, epmd: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (address, names_at) = (child::free_address()?, child::free_address()?);
        let names_port = names_at.port().to_string();
        let mut names = Command::new(epmd);
        names.args(["-port", &names_port, "-address", "127.0.0.1"]);
        names.stdout(Stdio::null()).stderr(Stdio::null());
        let names = Child::start(names)?;
        fs::write(folder.join("rabbitmq.conf"), "")?;
        fs::write(folder.join("plugins"), "[].")?;
        let mut node = Command::new(program);
        node.current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("HOME", folder)
            .env("ERL_EPMD_PORT", names_port)
            .env("RABBITMQ_NODENAME", "bench@localhost")
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", address.port().to_string())
            .env("RABBITMQ_DIST_PORT", child::free_address()?.port().to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"));
        let mut node = Child::start(node)?;
        node.wait_for(|| Channel::open(address).map(|_| ()))?;
        Ok(Self { _node: node, _names: names, address })
    }
}

impl Server for Kind<'_> {
    fn prepare(&self) -> anyhow::Result<()> {
        let mut channel = Channel::open(self.rabbit.address)?;
        channel.ask((50, 40), |delete| {
            delete.extend([0, 0]);
            short(delete, self.name);
            delete.push(0);
        })?;
        channel.ask((50, 10), |declare| {
            declare.extend([0, 0]);
            short(declare, self.name);
            declare.push(DURABLE);
            let mut table = Vec::new();
            short(&mut table, "x-queue-type");
            table.push(b'S');
            long(&mut table, self.name.as_bytes());
            long(declare, &table);
        })
    }

    fn publisher(&self) -> anyhow::Result<Box<dyn Publisher>> {
        let mut channel = Channel::open(self.rabbit.address)?;
        channel.ask((85, 10), |select| select.push(0))?;
        Ok(Box::new(Sender { channel, queue: self.name, sent: 0 }))
    }

    fn consumer(&self, batch: usize) -> anyhow::Result<Box<dyn Consumer>> {
        let mut channel = Channel::open(self.rabbit.address)?;
        let prefetch = u16::try_from(batch)?;
        channel.ask((60, 10), |qos| {
            qos.extend([0; 4]);
            qos.extend(prefetch.to_be_bytes());
            qos.push(0);
        })?;
        channel.ask((60, 20), |consume| {
            consume.extend([0, 0]);
            short(consume, self.name);
            short(consume, "");
            consume.push(0);
            long(consume, b"");
        })?;
        Ok(Box::new(Taker { channel, batch, held: None }))
    }
}

struct Sender {
    channel: Channel,
    queue: &'static str,
    sent: u64,
}

impl Publisher for Sender {
    fn publish(&mut self, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
        for body in bodies {
            self.channel.publish(self.queue, body);
        }
        self.channel.send()?;
        let before = self.sent;
        self.sent += bodies.len() as u64;
        // Confirmations come in any order; one may speak for all before it.
        let (mut all_to, mut single) = (before, std::collections::BTreeSet::new());
        while all_to < self.sent {
            match self.channel.hear(PATIENCE)?.context("no confirmation")? {
                Said::Kept { tag, multiple: true } => all_to = all_to.max(tag),
                Said::Kept { tag, .. } => {
                    single.insert(tag);
                }
                _ => {}
            }
            while single.remove(&(all_to + 1)) {
                all_to += 1;
            }
        }
        ensure!(all_to == self.sent, "{all_to} confirmed of {}", self.sent);
        Ok(())
    }
}

struct Taker {
    channel: Channel,
    batch: usize,
    /// The last delivery that is not acknowledged.
    held: Option<u64>,
}

impl Consumer for Taker {
    fn exchange(&mut self, see: &mut dyn FnMut(&[u8])) -> anyhow::Result<usize> {
        if let Some(tag) = self.held.take() {
            self.channel.acknowledge(tag);
            self.channel.send()?;
        }
        let mut taken = 0;
        while taken < self.batch {
            let patience = if self.held.is_some() { LINGER } else { IDLE };
            match self.channel.hear(patience)? {
                Some(Said::Delivers { tag }) => self.held = Some(tag),
                Some(Said::Body { from, to }) => {
                    see(self.channel.bytes(from, to));
                    taken += 1;
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(taken)
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        if let Some(tag) = self.held.take() {
            self.channel.acknowledge(tag);
        }
        // Acknowledgements have no answer, but the channel does not close before them.
        self.channel.ask((20, 40), |close| {
            close.extend(200_u16.to_be_bytes());
            short(close, "done");
            close.extend([0; 4]);
        })
    }
}

const DURABLE: u8 = 2;
/// How long a batch waits to be full.
const LINGER: Duration = Duration::from_millis(2);
const IDLE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);
