//! Logs as JSON lines, counters for Prometheus, and what the operator's page remembers of both.

mod recent;
mod samples;
mod spread;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::queues::Stats;
use spread::Spread;

pub(crate) use recent::{Kept, Recent, Told};
pub(crate) use samples::{SAMPLES_EVERY, SAMPLES_MAX, Sample, Samples, Totals};

/// Starts logging to standard error: JSON lines, or plain lines for people in development.
/// `ECOMAUCTION_LOG` sets the filter (default `info`); warnings and errors are remembered whatever
/// it says.
pub(crate) fn start_logs(for_people: bool) -> Arc<Recent> {
    let filter =
        EnvFilter::try_from_env("ECOMAUCTION_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if for_people {
        lines.with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    let recent = Arc::<Recent>::default();
    let listener = recent::Listener(Arc::clone(&recent)).with_filter(LevelFilter::WARN);
    let log = tracing_subscriber::registry().with(lines.with_filter(filter)).with(listener);
    // A second start in one process (tests) keeps the first.
    let _ = log.try_init();
    recent
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusClass {
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QueueName {
    queue: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobRun {
    component: String,
    job: String,
    outcome: &'static str,
}

/// The host's counters.
pub(crate) struct Meters {
    registry: Registry,
    requests: Vec<Counter>,
    durations: Histogram,
    spread: Spread,
    gauges: Gauges,
    wakes: Counter,
    wake_lateness_max_ms: AtomicU64,
    queues: QueueMeters,
    jobs: Family<JobRun, Counter>,
}

/// Numbers of each queue; the file of the queues counts them.
#[derive(Default)]
struct QueueMeters {
    depth: Family<QueueName, Gauge>,
    in_flight: Family<QueueName, Gauge>,
    dead_letters: Family<QueueName, Gauge>,
    deliveries: Family<QueueName, Counter>,
    retries: Family<QueueName, Counter>,
    deaths: Family<QueueName, Counter>,
}

#[derive(Default)]
struct Gauges {
    entities_loaded: Gauge,
    timers: Gauge,
    outbox: Gauge,
    journal_records: Gauge,
    journal_commits: Gauge,
    journal_commit_microseconds: Gauge,
    journal_queued: Gauge,
    journal_failures: Gauge,
    wake_lateness_max_ms: Gauge,
}

/// What is read off the host when somebody looks.
pub(crate) struct Readings {
    /// Entities in memory.
    pub(crate) entities_loaded: usize,
    /// Planned wakes.
    pub(crate) timers: usize,
    /// Messages on their way.
    pub(crate) outbox: usize,
    /// The journal's own numbers.
    pub(crate) journal: journal::Stats,
    /// Every queue's.
    pub(crate) queues: Vec<Stats>,
}

impl Default for Meters {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ecomauction");
        let family = Family::<StatusClass, Counter>::default();
        registry.register("http_requests", "Requests answered, by status class", family.clone());
        let requests = CLASSES
            .iter()
            .map(|class| family.get_or_create(&StatusClass { class }).clone())
            .collect();
        let durations = Histogram::new(BUCKETS_SECONDS.iter().copied());
        let help = "Time from the request's head to its answer";
        registry.register("http_request_duration_seconds", help, durations.clone());
        let wakes = Counter::default();
        registry.register("wakes", "Wakes of entities that were run", wakes.clone());
        let gauges = Gauges::default();
        let rows = [
            ("entities_loaded", "Entities in memory", &gauges.entities_loaded),
            ("timers", "Planned wakes", &gauges.timers),
            ("outbox_messages", "Messages waiting or in flight", &gauges.outbox),
            ("journal_records", "Records made durable since the start", &gauges.journal_records),
            ("journal_commits", "Commits, one sync each, since the start", &gauges.journal_commits),
            (
                "journal_commit_microseconds",
                "Time spent in commits since the start",
                &gauges.journal_commit_microseconds,
            ),
            ("journal_queued_records", "Records waiting for a commit", &gauges.journal_queued),
            ("journal_failures", "Failed commits since the start", &gauges.journal_failures),
            (
                "wake_lateness_max_milliseconds",
                "Worst lateness of a wake since the last look",
                &gauges.wake_lateness_max_ms,
            ),
        ];
        for (name, help, gauge) in rows {
            registry.register(name, help, gauge.clone());
        }
        let queues = QueueMeters::default();
        queues.register(&mut registry);
        let jobs = Family::default();
        registry.register("job_runs", "Runs of jobs, by outcome", jobs.clone());
        let (spread, wake_lateness_max_ms) = (Spread::default(), AtomicU64::new(0));
        Self {
            registry,
            requests,
            durations,
            spread,
            gauges,
            wakes,
            wake_lateness_max_ms,
            queues,
            jobs,
        }
    }
}

impl QueueMeters {
    fn register(&self, registry: &mut Registry) {
        let gauges = [
            ("queue_messages", "Messages in a queue, those under way included", &self.depth),
            ("queue_in_flight", "Messages that their consumer has", &self.in_flight),
            ("queue_dead_letters", "Dead letters of a queue", &self.dead_letters),
        ];
        for (name, help, family) in gauges {
            registry.register(name, help, family.clone());
        }
        let counters = [
            ("queue_deliveries", "Messages that were acknowledged", &self.deliveries),
            ("queue_retries", "Deliveries that failed and are repeated", &self.retries),
            ("queue_deaths", "Messages that became dead letters", &self.deaths),
        ];
        for (name, help, family) in counters {
            registry.register(name, help, family.clone());
        }
    }

    fn read(&self, stats: &Stats) {
        let name = QueueName { queue: stats.name.clone() };
        let gauges = [
            (&self.depth, stats.depth),
            (&self.in_flight, stats.in_flight),
            (&self.dead_letters, stats.dead),
        ];
        for (family, value) in gauges {
            family.get_or_create(&name).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let counters = [
            (&self.deliveries, stats.delivered),
            (&self.retries, stats.retried),
            (&self.deaths, stats.died),
        ];
        for (family, value) in counters {
            family.get_or_create(&name).inner().store(value, Ordering::Relaxed);
        }
    }
}

impl Meters {
    /// Counts an answered request.
    pub(crate) fn request(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(class.min(CLASSES.len() - 1)) {
            counter.inc();
        }
        self.durations.observe(took.as_secs_f64());
        self.spread.count(took);
    }

    /// What was counted since the start, with what others count.
    pub(crate) fn totals(&self, entities: u64, commits: u64) -> Totals {
        let errors = self.requests.get(SERVER_ERRORS).map_or(0, Counter::get);
        Totals { requests: self.spread.read(), errors, commits, entities }
    }

    /// Counts a wake and how late it ran.
    pub(crate) fn wake(&self, late_ms: i64) {
        self.wakes.inc();
        let late = u64::try_from(late_ms).unwrap_or(0);
        self.wake_lateness_max_ms.fetch_max(late, Ordering::Relaxed);
    }

    /// Counts a run of a job.
    pub(crate) fn job(&self, component: &str, job: &str, succeeded: bool) {
        let outcome = if succeeded { "done" } else { "failed" };
        let run = JobRun { component: component.to_owned(), job: job.to_owned(), outcome };
        self.jobs.get_or_create(&run).inc();
    }

    /// The Prometheus text.
    pub(crate) fn render(&self, readings: &Readings) -> Result<String, std::fmt::Error> {
        let gauge = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        gauge(&self.gauges.entities_loaded, readings.entities_loaded as u64);
        gauge(&self.gauges.timers, readings.timers as u64);
        gauge(&self.gauges.outbox, readings.outbox as u64);
        let journal = &readings.journal;
        gauge(&self.gauges.journal_records, journal.records);
        gauge(&self.gauges.journal_commits, journal.batches);
        gauge(&self.gauges.journal_commit_microseconds, journal.commit_us);
        gauge(&self.gauges.journal_queued, journal.queued_records);
        gauge(&self.gauges.journal_failures, journal.failures);
        readings.queues.iter().for_each(|stats| self.queues.read(stats));
        let late = self.wake_lateness_max_ms.swap(0, Ordering::Relaxed);
        gauge(&self.gauges.wake_lateness_max_ms, late);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const SERVER_ERRORS: usize = 4;
const BUCKETS_SECONDS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
