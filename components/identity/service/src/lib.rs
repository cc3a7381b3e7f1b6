//! Who is who; today the development token.
