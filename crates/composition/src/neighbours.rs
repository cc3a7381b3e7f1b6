//! Which components may ask each other over HTTP.

use crate::Composition;

impl Composition {
    /// May a component ask another one of the application? Where it is allowed to, it has
    /// `http://ID.spin.internal` among its `allowed_outbound_hosts`, or `*` in place of the id.
    pub fn may_ask(&self, component: &str, other: &str) -> bool {
        let hosts = self.outbound.get(component).map_or(&[][..], Vec::as_slice);
        self.components.contains_key(other)
            && hosts.iter().filter_map(|host| named(host)).any(|id| id == "*" || id == other)
    }
}

/// The component that an allowed host names.
fn named(host: &str) -> Option<&str> {
    let authority = host.strip_prefix("http://")?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    authority.strip_suffix(":80").unwrap_or(authority).strip_suffix(".spin.internal")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_component_asks_those_that_it_is_granted() {
        let text = r#"
            [component.pages]
            allowed_outbound_hosts = ["{{ shop }}", "http://things.spin.internal:80/"]
            [component.all]
            allowed_outbound_hosts = ["http://*.spin.internal"]
            [component.outside]
            allowed_outbound_hosts = ["https://things.spin.internal", "http://things.example.com"]
            [component.things]
        "#;
        let composition = Composition::parse(text).unwrap();
        let may = |component, other| composition.may_ask(component, other);
        assert!(may("pages", "things") && may("all", "things") && may("all", "pages"));
        assert!(!may("pages", "all"), "another one was named");
        assert!(!may("all", "nobody") && !may("nobody", "things"), "there is no such component");
        assert!(!may("outside", "things") && !may("things", "pages"));
    }
}
