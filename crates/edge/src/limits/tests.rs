use ports::{Limits as _, Policy, ready};

use super::*;
use crate::testing::{Death, Here, Site};

const THREE: Policy = Policy { capacity: 3, refill_ms: 1_000 };

fn take(edge: &Edge<Here>, bucket: &str) -> Result<(), u64> {
    ready(edge.take(bucket, THREE))
}

#[test]
fn a_bucket_empties_refills_and_tells_when_whatever_instance_asks() {
    let site = Site::new();
    let (left, right) = (site.edge(), site.edge());
    site.clock(0);
    assert_eq!([take(&left, "a"), take(&right, "a"), take(&left, "a")], [Ok(()); 3]);
    assert_eq!((take(&left, "a"), take(&right, "a")), (Err(1_000), Err(1_000)));
    assert_eq!(take(&left, "b"), Ok(()), "another bucket");
    assert_eq!(take(&site.edge_of("other"), "a"), Ok(()), "of another component");
    site.clock(400);
    assert_eq!(take(&right, "a"), Err(600));
    site.clock(1_000);
    assert_eq!((take(&left, "a"), take(&right, "a")), (Ok(()), Err(1_000)));
    site.clock(9_000);
    assert_eq!([take(&left, "a"), take(&right, "a"), take(&left, "a")], [Ok(()); 3]);
    assert_eq!(take(&left, "a"), Err(1_000), "no more than full");
}

#[test]
fn a_clock_that_is_turned_back_locks_nobody_out() {
    let site = Site::new();
    let edge = site.edge();
    site.clock(3_600_000);
    assert_eq!([take(&edge, "a"), take(&edge, "a"), take(&edge, "a")], [Ok(()); 3]);
    site.clock(0);
    assert_eq!(take(&edge, "a"), Err(1_000), "as empty as it was");
    site.clock(1_000);
    assert_eq!((take(&edge, "a"), take(&edge, "a")), (Ok(()), Err(1_000)));
}

#[test]
fn instances_at_once_grant_no_more_than_there_is() {
    let site = Site::new();
    site.edge();
    let granted = std::thread::scope(|scope| {
        let threads = [(); 8].map(|()| {
            scope.spawn(|| {
                let edge = site.edge();
                [take(&edge, "a"), take(&edge, "a")].iter().filter(|taken| taken.is_ok()).count()
            })
        });
        threads.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
    });
    assert_eq!(granted, 3);
}

#[test]
fn full_buckets_are_forgotten_and_empty_ones_are_not() {
    let site = Site::new();
    let edge = site.edge();
    for n in 0..200 {
        take(&edge, &n.to_string()).unwrap();
    }
    site.clock(1_000_000);
    while take(&edge, "eve").is_ok() {}
    for n in 0..2_000 {
        site.clock(1_000_001 + n % 2);
        take(&edge, "eve").unwrap_err();
    }
    assert_eq!(site.number("select count(*) from edge_buckets"), 1);
}

#[test]
fn what_cannot_be_counted_is_not_granted() {
    let site = Site::new();
    let edge = site.edge();
    for after in 0..4 {
        edge.world.death.set(Some((after, Death::Failing)));
        assert_eq!(take(&edge, "a"), Err(UNCOUNTED_MS));
        edge.world.death.set(None);
    }
    assert_eq!(edge.take_troubles().len(), 4);
    assert_eq!([take(&edge, "a"), take(&edge, "a"), take(&edge, "a")], [Ok(()); 3]);
}
