//! Objects of services in R2, whose writes are durable when they are answered.

use ports::{Object, ObjectError, Objects};
use worker::{Bucket, HttpMetadata};

use crate::ports::WorkerPorts;

impl Objects for WorkerPorts<'_> {
    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        ObjectError::check(key, content_type, bytes.len())?;
        let metadata =
            HttpMetadata { content_type: Some(content_type.to_owned()), ..HttpMetadata::default() };
        let bucket = self.bucket()?;
        let put = bucket.put(self.object_name(key), bytes).http_metadata(metadata);
        put.execute().await.map(drop).map_err(unavailable)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        ObjectError::check_key(key)?;
        let found = self.bucket()?.get(self.object_name(key)).execute().await;
        let Some(found) = found.map_err(unavailable)? else { return Ok(None) };
        let content_type = found.http_metadata().content_type.unwrap_or_default();
        // An object without bytes has no body.
        let bytes = match found.body() {
            Some(body) => body.bytes().await.map_err(unavailable)?,
            None => Vec::new(),
        };
        Ok(Some(Object { content_type, bytes }))
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        ObjectError::check_key(key)?;
        self.bucket()?.delete(self.object_name(key)).await.map_err(unavailable)
    }
}

impl WorkerPorts<'_> {
    fn bucket(&self) -> Result<Bucket, ObjectError> {
        self.env.bucket(OBJECTS).map_err(unavailable)
    }

    fn object_name(&self, key: &str) -> String {
        format!("{}/{key}", self.component)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn unavailable(error: worker::Error) -> ObjectError {
    ObjectError::Unavailable(error.to_string())
}

const OBJECTS: &str = "OBJECTS";
