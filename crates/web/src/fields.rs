//! Header fields of a request or response, flat as they cross a component's boundary.

/// Header fields in order: names in lower case, values as text. One buffer holds all of them,
/// because crossing into a component costs by the piece, not by the byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    text: String,
    /// Where each name and each value ends in `text`.
    ends: Vec<u32>,
}

impl Fields {
    /// Fields from all names and values, one after the other, and where each of them ends. Bounds
    /// that do not fit the text give fields without names or values, never a panic.
    pub fn new(text: String, ends: Vec<u32>) -> Self {
        Self { text, ends }
    }

    /// Adds a field at the end; `name` is lower case.
    pub fn push(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.text.push_str(part);
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        }
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.as_chunks::<2>().0.iter().map(move |[name_end, value_end]| {
            let part = |start: u32, end: u32| {
                self.text.get(start as usize..end as usize).unwrap_or_default()
            };
            let field = (part(start, *name_end), part(*name_end, *value_end));
            start = *value_end;
            field
        })
    }

    /// The first value of that name (lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// How often a field of that name (lower case) is there.
    pub fn count(&self, name: &str) -> usize {
        self.iter().filter(|(known, _)| *known == name).count()
    }

    /// The buffer and its bounds, as [`Fields::new`] takes them.
    pub fn into_parts(self) -> (String, Vec<u32>) {
        (self.text, self.ends)
    }
}

impl<'f> FromIterator<(&'f str, &'f str)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'f str, &'f str)>>(fields: I) -> Self {
        let mut all =
            Self { text: String::with_capacity(TEXT_BYTES), ends: Vec::with_capacity(32) };
        fields.into_iter().for_each(|(name, value)| all.push(name, value));
        all
    }
}

/// What the fields of an ordinary message take.
const TEXT_BYTES: usize = 512;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_order_and_counted() {
        let fields: Fields = [("a", "1"), ("b", ""), ("a", "é")].into_iter().collect();
        assert_eq!(
            (fields.get("a"), fields.get("b"), fields.get("c")),
            (Some("1"), Some(""), None)
        );
        assert_eq!((fields.count("a"), fields.count("c")), (2, 0));
        let (text, ends) = fields.clone().into_parts();
        assert_eq!((text.as_str(), ends.as_slice()), ("a1baé", &[1, 2, 3, 3, 4, 6][..]));
        assert_eq!(Fields::new(text, ends), fields);
    }

    #[test]
    fn bounds_that_do_not_fit_are_no_panic() {
        for ends in [vec![9, 9], vec![1], vec![2, 1], vec![1, 2, 1, 9], vec![u32::MAX; 4]] {
            let fields = Fields::new("aé".to_owned(), ends);
            assert!(fields.iter().count() <= 2 && fields.get("x").is_none());
        }
    }
}
