//! Listing things.

use ports::Ports;
use web::{Exchange, Problem, Response};

pub(crate) async fn form<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn list<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn manage<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn change<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn add_picture<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn remove_picture<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}
