//! After a kill at any step, a second run completes or undoes the change.

use super::*;
use crate::app::codeigniter::module::TEST_CLIENT;

/// Apps whose installation takes different steps.
fn apps() -> [fn() -> App; 6] {
    [
        || App::new(&[]),
        || App::new(&[(".env", "A=1")]),
        || {
            App::new(&[
                (".env", "SSE_EVENTS=a:b\n"),
                ("public/js/sse-client.js", "mine"),
            ])
        },
        || App::codeigniter(&[(".env", "A=1")]),
        || App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT)]),
        || App::other(&[(".env", "A=1\n")]),
    ]
}

#[test]
fn a_killed_install_can_be_completed_and_undone() {
    for new_app in apps() {
        for steps in 0.. {
            let app = new_app();
            let before = without_times(app.tree());
            let plan = install_plan(&app);
            let step_count = plan.len();
            plan.apply_until_killed(steps);
            let killed = without_times(app.tree());
            app.uninstall();
            assert_eq!(
                without_times(app.tree()),
                before,
                "{steps} steps, then uninstall"
            );

            let app = new_app();
            let before = without_times(app.tree());
            let plan = install_plan(&app);
            plan.apply_until_killed(steps);
            assert_eq!(without_times(app.tree()).len(), killed.len());
            app.install();
            assert_eq!(app.status(), exit::DONE);
            app.uninstall();
            assert_eq!(
                without_times(app.tree()),
                before,
                "{steps} steps, install, uninstall"
            );
            if steps == step_count {
                break;
            }
        }
    }
}

#[test]
fn a_killed_uninstall_can_be_completed() {
    for new_app in apps() {
        for steps in 0.. {
            let app = new_app();
            let before = without_times(app.tree());
            app.install();
            let planned = uninstall::plan(app.dir.path(), &ChangeArgs::default())
                .unwrap_or_else(|failure| panic!("{failure}"));
            let plan = planned.expect("it is installed").change.plan;
            let step_count = plan.len();
            plan.apply_until_killed(steps);
            app.uninstall();
            assert_eq!(without_times(app.tree()), before, "{steps} steps");
            if steps == step_count {
                break;
            }
        }
    }
}
