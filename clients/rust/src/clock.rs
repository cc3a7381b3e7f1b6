//! How far the server's clock is from the device's (rules.md B10).
//!
//! A countdown is `end − (now + offset)`. Of the last eight samples the one with the shortest
//! round trip counts: what a slow one says is off by up to half of its round trip.

use std::collections::VecDeque;

/// One question and its answer, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The device's clock when the question left.
    pub t0: f64,
    /// The server's clock when it read it.
    pub t1: f64,
    /// The server's clock when it answered.
    pub t2: f64,
    /// The device's clock when the answer was there.
    pub t3: f64,
}

impl Sample {
    /// Server's clock minus device's clock.
    pub fn offset_ms(self) -> f64 {
        f64::midpoint(self.t1 - self.t0, self.t2 - self.t3)
    }

    /// Time on the way, both ways.
    pub fn round_trip_ms(self) -> f64 {
        (self.t3 - self.t0) - (self.t2 - self.t1)
    }
}

/// The newest samples.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    samples: VecDeque<Sample>,
}

impl Clock {
    /// Takes a sample; one that took less than no time is a lie and is left out.
    pub fn take(&mut self, sample: Sample) {
        if sample.round_trip_ms() < 0.0 || !sample.offset_ms().is_finite() {
            return;
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// What to add to the device's clock; none before the first sample.
    pub fn offset_ms(&self) -> Option<f64> {
        let quickest = self
            .samples
            .iter()
            .min_by(|one, other| one.round_trip_ms().total_cmp(&other.round_trip_ms()))?;
        Some(quickest.offset_ms())
    }
}

const SAMPLES: usize = 8;

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::*;

    /// A device that is 1 s behind, with these times on the way.
    fn sample(there: f64, back: f64) -> Sample {
        let t1 = 1_000.0 + there;
        Sample { t0: 0.0, t1, t2: t1 + 5.0, t3: there + 5.0 + back }
    }

    #[test]
    fn equal_ways_give_the_offset_exactly() {
        let sample = sample(40.0, 40.0);
        assert_eq!((sample.offset_ms(), sample.round_trip_ms()), (1_000.0, 80.0));
    }

    #[test]
    fn the_quickest_of_the_last_eight_counts() {
        let mut clock = Clock::default();
        assert_eq!(clock.offset_ms(), None);
        clock.take(sample(2.0, 2.0));
        for _ in 0..7 {
            clock.take(sample(100.0, 0.0));
        }
        assert_eq!(clock.offset_ms(), Some(1_000.0));
        // The ninth pushes the good one out.
        clock.take(sample(90.0, 0.0));
        assert_eq!(clock.offset_ms(), Some(1_045.0));
    }

    #[test]
    fn an_answer_before_its_question_is_no_sample() {
        let mut clock = Clock::default();
        clock.take(Sample { t0: 10.0, t1: 0.0, t2: 50.0, t3: 20.0 });
        assert_eq!(clock.offset_ms(), None);
    }
}
