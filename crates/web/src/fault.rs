//! Faults of the ports as problems: what broke is for the platform's log, not for the caller.

use ports::{EntityError, ObjectError, PasswordError, SqlError};

use crate::Problem;

impl From<EntityError> for Problem {
    fn from(error: EntityError) -> Self {
        match error {
            EntityError::Unavailable(_) => Self::unavailable(),
            EntityError::NotGranted | EntityError::MachineFault(_) => Self::internal(),
        }
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Unavailable(_) => Self::unavailable(),
            SqlError::Constraint(_) | SqlError::Invalid(_) => Self::internal(),
        }
    }
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Unavailable(_) => Self::unavailable(),
            ObjectError::Invalid(_) => Self::internal(),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::overloaded(),
            PasswordError::Failed(_) => Self::internal(),
        }
    }
}
