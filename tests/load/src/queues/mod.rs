//! The queues beside RabbitMQ and Redis Streams: same messages, batches and publishers, and every
//! confirmation after a sync of the disk.
//!
//! The others run with their stock settings but for the sync, each reached over loopback by
//! clients that cost little; ours run in a process of the platform's program, where publishers and
//! consumers are its own components. They take turns, so that noise hits all alike.

mod amqp;
mod child;
mod own;
mod rabbit;
mod redis;
mod trial;

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use crate::Bench;
use crate::figures::median;
use crate::platform::Place;
use crate::rounds::bar;
use rabbit::{Kind, Rabbit};
use redis::Redis;
use trial::{Took, Trial};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Queues {
    /// Publishers, and consumers as many.
    pub(crate) publishers: u64,
    /// Bytes of a message.
    pub(crate) body_bytes: usize,
    /// By batch and system.
    pub(crate) rows: Vec<Row>,
    /// Peers that were not found.
    pub(crate) missing: Vec<String>,
}

/// One system at one size of batches, medians of the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Messages of a publication and of a delivery.
    pub(crate) batch: usize,
    /// Who.
    pub(crate) system: System,
    /// Messages a second, from the first publication to the last acknowledgement.
    pub(crate) per_second: f64,
    /// A publisher's wait for its confirmation, in milliseconds.
    pub(crate) p50_ms: f64,
    /// The same of the slowest hundredth.
    pub(crate) p99_ms: f64,
    /// For ours: median over the rounds of the rate divided by that of the fastest peer in the same
    /// round.
    pub(crate) ratio: Option<f64>,
    /// Messages a second in each round.
    pub(crate) rounds: Vec<f64>,
}

/// Who keeps the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum System {
    /// The host's queues.
    Own,
    /// A stream with a consumer group.
    Redis,
    /// A durable classic queue.
    RabbitClassic,
    /// A quorum queue of one node.
    RabbitQuorum,
}

impl System {
    /// Its name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Own => "EcomAuction",
            Self::Redis => "Redis Streams",
            Self::RabbitClassic => "RabbitMQ, classic queue",
            Self::RabbitQuorum => "RabbitMQ, quorum queue",
        }
    }
}

/// The programs of the peers, as far as they are there.
pub(crate) struct Peers {
    redis: Option<PathBuf>,
    rabbit: Option<(PathBuf, PathBuf)>,
}

impl Peers {
    /// Looks where packages put them.
    pub(crate) fn find() -> Self {
        let redis = child::find(&["/usr/bin/redis-server", "/usr/local/bin/redis-server"]);
        // The program in the path changes its user; this is the one behind it.
        let node = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server"];
        let names = child::find(&["/usr/bin/epmd", "/usr/local/bin/epmd"]);
        Self { redis, rabbit: child::find(&node).zip(names) }
    }

    /// Is none missing?
    pub(crate) fn are_there(&self) -> bool {
        self.missing().is_empty()
    }

    /// What to do about those that are not there.
    pub(crate) fn missing(&self) -> Vec<String> {
        let redis = (self.redis.is_none(), "Redis", "redis-server");
        let rabbit = (self.rabbit.is_none(), "RabbitMQ", "rabbitmq-server");
        let missing = [redis, rabbit].into_iter().filter(|(is_missing, ..)| *is_missing);
        let line = |(_, name, package)| format!("{name} was not found: apt-get install {package}");
        missing.map(line).collect()
    }
}

/// Measures every system that is there, with every size of batches in every round.
pub(crate) fn run(bench: &Bench, place: &Place, peers: &Peers) -> anyhow::Result<Queues> {
    let data = tempfile::Builder::new().prefix("bench-queues-").tempdir_in(&place.data_in)?;
    let folder = |name: &str| -> anyhow::Result<PathBuf> {
        let folder = data.path().join(name);
        std::fs::create_dir(&folder)?;
        Ok(folder)
    };
    let redis = peers.redis.as_ref();
    let redis = redis.map(|redis| Redis::start(redis, &folder("redis")?)).transpose()?;
    let rabbit = peers.rabbit.as_ref();
    let rabbit = rabbit.map(|(node, names)| Rabbit::start(node, names, &folder("rabbit")?));
    let rabbit = rabbit.transpose()?;
    let mut systems = vec![System::Own];
    systems.extend(redis.is_some().then_some(System::Redis));
    let kinds = [System::RabbitClassic, System::RabbitQuorum];
    systems.extend(kinds.into_iter().filter(|_| rabbit.is_some()));
    let measure = |system: System, trial: Trial| match system {
        System::Own => {
            let fresh = tempfile::tempdir_in(data.path())?;
            own::run(&place.program, fresh.path(), trial)
        }
        System::Redis => trial::run(redis.as_ref().context("no Redis")?, trial),
        System::RabbitClassic | System::RabbitQuorum => {
            let name = if system == System::RabbitClassic { "classic" } else { "quorum" };
            trial::run(&Kind { rabbit: rabbit.as_ref().context("no RabbitMQ")?, name }, trial)
        }
    };
    let bar = bar(bench.rounds as usize * systems.len() * BATCHES.len());
    let mut rows = Vec::new();
    for (batch, per_second) in BATCHES {
        let trial = Trial { messages: per_second * bench.seconds.max(1), batch };
        let mut took: Vec<(System, Vec<Took>)> =
            systems.iter().map(|system| (*system, Vec::new())).collect();
        for _ in 0..bench.rounds {
            for (system, took) in &mut took {
                bar.set_message(format!("{}, batches of {batch}", system.title()));
                took.push(measure(*system, trial).with_context(|| system.title())?);
                bar.inc(1);
            }
        }
        rows.extend(rows_of(trial, &took));
    }
    bar.finish_and_clear();
    let (publishers, body_bytes) = (trial::EACH, trial::BODY_BYTES);
    Ok(Queues { publishers, body_bytes, rows, missing: peers.missing() })
}

fn rows_of(trial: Trial, took: &[(System, Vec<Took>)]) -> Vec<Row> {
    let rate = |took: &Took| trial.messages as f64 / took.seconds;
    let peers = || took.iter().filter(|(system, _)| *system != System::Own);
    let fastest = |round: usize| {
        let rates = peers().filter_map(|(_, took)| took.get(round).map(rate));
        rates.max_by(f64::total_cmp)
    };
    let row = |(system, took): &(System, Vec<Took>)| {
        let of = |field: fn(&Took) -> f64| median(took.iter().map(field));
        let rounds: Vec<f64> = took.iter().map(rate).collect();
        let against = rounds.iter().zip(0..);
        let ratios: Vec<f64> = against.filter_map(|(rate, at)| Some(rate / fastest(at)?)).collect();
        let is_compared = *system == System::Own && !ratios.is_empty();
        Row {
            batch: trial.batch,
            system: *system,
            per_second: median(rounds.iter().copied()),
            p50_ms: of(|took| took.p50_ms),
            p99_ms: of(|took| took.p99_ms),
            ratio: is_compared.then(|| median(ratios.into_iter())),
            rounds,
        }
    };
    took.iter().map(row).collect()
}

/// Sizes of batches, and about how many messages a second go through with them: each measurement
/// takes about as many seconds as are asked for.
const BATCHES: [(usize, u64); 3] = [(1, 2_000), (10, 12_000), (100, 40_000)];

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn ours_are_compared_with_the_fastest_of_the_same_round() {
        let took = |seconds| Took { seconds, p50_ms: seconds, p99_ms: 0.0 };
        let trial = Trial { messages: 100, batch: 10 };
        let rows = rows_of(
            trial,
            &[
                (System::Own, vec![took(1.0), took(2.0), took(4.0)]),
                (System::Redis, vec![took(2.0), took(2.0), took(2.0)]),
                (System::RabbitClassic, vec![took(4.0), took(1.0), took(8.0)]),
            ],
        );
        assert_eq!(rows[0].rounds, [100.0, 50.0, 25.0]);
        assert_eq!((rows[0].per_second, rows[0].p50_ms), (50.0, 2.0));
        assert_eq!(rows[0].ratio, Some(0.5), "2, 0.5 and 0.5");
        assert_eq!((rows[1].ratio, rows[2].ratio), (None, None));
    }

    #[test]
    fn a_missing_peer_is_named_with_its_package() {
        let missing = Peers { redis: None, rabbit: None }.missing();
        assert_eq!(missing.len(), 2);
        assert!(missing[1].ends_with("apt-get install rabbitmq-server"), "{missing:?}");
    }
}
