//! Writes docs/openapi.json, docs/openapi.html and docs/asyncapi.json: `cargo xtask openapi`.

use std::fs;
use std::process::ExitCode;

use api_document::Error;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Error> {
    let docs = api_document::docs();
    let made = api_document::make(&docs)?;
    let files =
        [("openapi.json", made.json), ("openapi.html", made.html), ("asyncapi.json", made.live)];
    for (name, text) in files {
        let path = docs.join(name);
        // A file that did not change keeps its time stamp, and nothing is built anew.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(&path, &text).map_err(Error::at(&path))?;
    }
    Ok(())
}
