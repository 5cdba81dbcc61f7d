//! The client in three real browsers, across page changes, tabs and network faults.

mod fault_proxy;
mod faults;
mod names;
mod pages;
mod refusals;
mod site;
mod tabs;
mod users;

use std::thread;

use support::Engine;

/// Runs a test that mostly waits in all engines at once. Its threads have the engines' names.
fn in_all_engines(test: fn(Engine)) {
    thread::scope(|scope| {
        for engine in Engine::ALL {
            let thread = thread::Builder::new().name(engine.to_string());
            thread.spawn_scoped(scope, move || test(engine)).unwrap();
        }
    });
}

#[test]
fn faults_lose_and_repeat_nothing() {
    in_all_engines(faults::lose_and_repeat_nothing);
}

#[test]
fn a_plain_eventsource_makes_at_most_one_request_per_second() {
    in_all_engines(refusals::slow_down_a_plain_eventsource);
}

#[test]
fn users_of_one_browser_are_kept_apart() {
    in_all_engines(users::are_kept_apart);
}

#[test]
fn tabs_wait_as_long_as_the_server_asks() {
    in_all_engines(refusals::keep_all_tabs_waiting);
}

/// The same tests for each engine.
macro_rules! in_engine {
    ($module:ident, $engine:ident) => {
        mod $module {
            use support::Engine;

            use super::{names, pages, tabs};

            const ENGINE: Engine = Engine::$engine;

            #[test]
            fn a_hundred_page_changes_lose_and_repeat_nothing() {
                pages::lose_and_repeat_nothing(ENGINE);
            }

            #[test]
            fn pages_that_are_shown_again_catch_up() {
                pages::catch_up_when_shown_again(ENGINE);
            }

            #[test]
            fn twelve_tabs_share_one_connection() {
                tabs::share_one_connection(ENGINE);
            }

            #[test]
            fn tabs_survive_the_end_of_their_leaders() {
                tabs::survive_the_end_of_their_leaders(ENGINE);
            }

            #[test]
            fn tabs_without_locks_have_separate_connections() {
                tabs::have_separate_connections_without_locks(ENGINE);
            }

            #[test]
            fn tabs_get_only_the_events_they_ask_for() {
                tabs::get_only_the_events_they_ask_for(ENGINE);
            }

            #[test]
            fn the_names_of_the_events_are_known_in_all_tabs() {
                names::are_known_in_all_tabs(ENGINE);
            }

            #[test]
            fn tabs_of_different_visitors_share_nothing() {
                tabs::of_different_visitors_share_nothing(ENGINE);
            }

            #[test]
            fn tabs_get_no_events_of_an_earlier_visitor() {
                tabs::get_no_events_of_an_earlier_visitor(ENGINE);
            }
        }
    };
}

/// In Chromium only: other browsers may run these tabs on one main thread, which would stall all of
/// them.
#[test]
fn a_tab_gets_events_after_a_stalled_leader_returns() {
    tabs::get_events_after_a_stalled_leader_returns(Engine::Chromium);
}

in_engine!(chromium, Chromium);
in_engine!(firefox, Firefox);
in_engine!(webkit, WebKit);
