use ports::contract;

use super::*;

/// The objects of one component, as a port.
struct Of<'s>(&'s ObjectStore, &'static str);

impl ports::Objects for Of<'_> {
    async fn put(&self, key: &str, kind: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.0.put(self.1, key.to_owned(), kind.to_owned(), bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        self.0.get(self.1, key.to_owned()).await
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        self.0.delete(self.1, key.to_owned()).await
    }
}

fn store(folder: &tempfile::TempDir) -> ObjectStore {
    ObjectStore::open(&folder.path().join("objects")).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = inside.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.collect()
}

#[tokio::test]
async fn objects_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract::objects(&Of(&store(&folder), "things")).await;
    assert!(files(folder.path()).is_empty(), "nothing is left behind");
}

#[tokio::test]
async fn objects_outlive_the_process_and_names_are_apart() {
    use ports::Objects as _;
    let folder = tempfile::tempdir().unwrap();
    Of(&store(&folder), "things").put("a/b", "text/plain", b"mine".to_vec()).await.unwrap();
    let store = store(&folder);
    let found = Of(&store, "things").get("a/b").await.unwrap().unwrap();
    assert_eq!((found.content_type.as_str(), found.bytes.as_slice()), ("text/plain", &b"mine"[..]));
    assert_eq!(Of(&store, "others").get("a/b").await, Ok(None));
    Of(&store, "others").delete("a/b").await.unwrap();
    assert!(Of(&store, "things").get("a/b").await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_not_finished_goes_and_what_is_damaged_is_not_shown() {
    use ports::Objects as _;
    let folder = tempfile::tempdir().unwrap();
    Of(&store(&folder), "things").put("a", "text/plain", b"whole".to_vec()).await.unwrap();
    let path = files(folder.path()).remove(0);
    fs::write(path.with_extension("7.new"), b"ha").unwrap();
    let store = store(&folder);
    assert_eq!(files(folder.path()), std::slice::from_ref(&path));
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = Of(&store, "things").get("a").await;
    assert!(matches!(damaged, Err(ObjectError::Unavailable(_))), "{damaged:?}");
}
