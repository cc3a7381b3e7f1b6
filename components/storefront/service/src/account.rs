//! The visitor's account.

use ports::Ports;
use web::{Exchange, Problem, Response};

pub(crate) async fn show<P: Ports>(
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

pub(crate) async fn export<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}
