use ports::{ObjectError, Objects as _, contract, ready};

use crate::testing::{Death, Site};

#[test]
fn objects_keep_the_contract() {
    let site = Site::new();
    ready(contract::objects(&site.edge()));
    assert_eq!(site.number("select count(*) from edge_pieces"), 0, "nothing is left behind");
}

#[test]
fn every_instance_sees_an_object_and_no_other_component_does() {
    let site = Site::new();
    ready(site.edge().put("a/b", "text/plain", b"mine".to_vec())).unwrap();
    let seen = ready(site.edge().get("a/b")).unwrap().unwrap();
    assert_eq!(seen.bytes, b"mine");
    assert_eq!(ready(site.edge_of("other").get("a/b")).unwrap(), None);
    ready(site.edge_of("other").delete("a/b")).unwrap();
    assert!(ready(site.edge().get("a/b")).unwrap().is_some());
}

#[test]
fn an_object_is_replaced_whole_or_not_at_all() {
    let site = Site::new();
    ready(site.edge().put("a", "text/plain", vec![1; 2_000_000])).unwrap();
    // Somewhere between the first piece that goes and the last that comes.
    for statements in 1..8 {
        let edge = site.edge();
        edge.world.death.set(Some((statements, Death::Failing)));
        let put = ready(edge.put("a", "text/plain", vec![2; 2_000_000]));
        assert!(matches!(put, Err(ObjectError::Unavailable(_))), "{statements}: {put:?}");
        let kept = ready(site.edge().get("a")).unwrap().unwrap();
        assert!(kept.bytes == vec![1; 2_000_000], "{statements}");
    }
}
