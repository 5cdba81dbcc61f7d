//! Mistakes that newcomers make, as they make them: the message names the cause and the remedy.

mod events;
mod package;
mod page;
mod project;
mod routes;
mod server;
mod values;
