//! The HTTP manners of the API: routes, problems, pages, ETags, idempotency keys, authentication.
