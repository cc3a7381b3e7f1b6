//! Numbers that the platform exposes on its operator address.

use std::net::SocketAddr;

use anyhow::ensure;

use crate::client::Client;

/// One reading of `/metrics`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks the operator address.
    pub(crate) fn read(operator: SocketAddr) -> anyhow::Result<Self> {
        let (status, text) = Client::open(operator)?.get("/metrics")?;
        ensure!(status == 200, "/metrics answers {status}");
        Ok(Self(text))
    }

    /// The value of a metric without labels; none when the platform has no such metric.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(name));
        let mut values = lines.filter_map(|rest| rest.strip_prefix(' ')?.trim().parse().ok());
        values.next()
    }

    /// The sum of a metric over all its labels.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
        lines.filter_map(|rest| rest.rsplit_once(' ')?.1.trim().parse::<f64>().ok()).sum()
    }

    /// How much a metric grew since an earlier reading.
    pub(crate) fn growth(&self, earlier: &Self, name: &str) -> Option<f64> {
        Some(self.value(name)? - earlier.value(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let text = "# HELP a x\na_total 3\na 7.5\nb{class=\"2xx\"} 1\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.value("a"), Some(7.5));
        assert_eq!(metrics.value("a_total"), Some(3.0));
        assert_eq!(metrics.value("b"), None);
        let text = "q{queue=\"a b\"} 3\nq{queue=\"c\"} 4\nq_total{queue=\"c\"} 9\n";
        assert!((Metrics(text.to_owned()).sum("q") - 7.0).abs() < f64::EPSILON);
    }
}
