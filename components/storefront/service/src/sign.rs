//! Coming and going.

use ports::Ports;
use web::{Exchange, Problem, Response};

pub(crate) async fn in_form<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn sign_in<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn up_form<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn sign_up<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn confirm_form<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn confirm<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn password_form<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn password<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}

pub(crate) async fn sign_out<P: Ports>(
    _ports: &P,
    _exchange: &Exchange<'_>,
) -> Result<Response, Problem> {
    Err(Problem::not_found())
}
