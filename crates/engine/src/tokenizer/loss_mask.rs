//! Which bytes of a rendered conversation the assistant wrote.
