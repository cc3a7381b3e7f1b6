//! Objects, given to a service under names of its own.

use super::bindings::imports::ecomauction::edge::objects;
use super::guest::Guest;
use crate::objects::{Object, ObjectError};

impl Guest {
    /// Objects are outside of the request, as tables are.
    async fn before_objects(&mut self) -> Result<(), objects::Error> {
        self.settle().await.map_err(objects::Error::Unavailable)
    }
}

impl objects::Host for Guest {
    async fn put(
        &mut self,
        key: String,
        content_type: String,
        bytes: Vec<u8>,
    ) -> Result<(), objects::Error> {
        self.before_objects().await?;
        let store = &self.platform.shared.objects;
        store.put(&self.platform.component, key, content_type, bytes).await.map_err(outward)
    }

    async fn get(&mut self, key: String) -> Result<Option<objects::Object>, objects::Error> {
        self.before_objects().await?;
        let store = &self.platform.shared.objects;
        let found = store.get(&self.platform.component, key).await.map_err(outward)?;
        Ok(found.map(|Object { content_type, bytes }| objects::Object { content_type, bytes }))
    }

    async fn delete(&mut self, key: String) -> Result<(), objects::Error> {
        self.before_objects().await?;
        let store = &self.platform.shared.objects;
        store.delete(&self.platform.component, key).await.map_err(outward)
    }
}

fn outward(error: ObjectError) -> objects::Error {
    match error {
        ObjectError::Invalid(why) => objects::Error::Invalid(why),
        ObjectError::Unavailable(why) => objects::Error::Unavailable(why),
    }
}
