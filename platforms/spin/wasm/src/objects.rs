//! Objects, exported.

use ports::{Object, ObjectError, Objects as _, ready};

use crate::Component;
use crate::bindings::exports::ecomauction::edge::objects;
use crate::instance::edge;

impl objects::Guest for Component {
    fn put(key: String, content_type: String, bytes: Vec<u8>) -> Result<(), objects::Error> {
        let put =
            edge(ObjectError::Unavailable, |edge| ready(edge.put(&key, &content_type, bytes)));
        put.map_err(error)
    }

    fn get(key: String) -> Result<Option<objects::Object>, objects::Error> {
        let found = edge(ObjectError::Unavailable, |edge| ready(edge.get(&key))).map_err(error)?;
        Ok(found.map(|Object { content_type, bytes }| objects::Object { content_type, bytes }))
    }

    fn delete(key: String) -> Result<(), objects::Error> {
        edge(ObjectError::Unavailable, |edge| ready(edge.delete(&key))).map_err(error)
    }
}

fn error(error: ObjectError) -> objects::Error {
    match error {
        ObjectError::Invalid(why) => objects::Error::Invalid(why),
        ObjectError::Unavailable(why) => objects::Error::Unavailable(why),
    }
}
