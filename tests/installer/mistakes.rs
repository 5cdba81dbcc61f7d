//! Mistakes that newcomers make, as they make them: the message names the cause and the remedy.

mod server;
