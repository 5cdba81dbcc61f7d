//! After a kill at any step, a second run completes or undoes the change.

use super::*;

/// Apps whose installation takes different steps.
const APPS: [&[(&str, &str)]; 3] = [
    &[],
    &[(".env", "A=1")],
    &[
        (".env", "SSE_EVENTS=a:b\n"),
        ("public/js/sse-client.js", "mine"),
    ],
];

#[test]
fn a_killed_install_can_be_completed_and_undone() {
    for files in APPS {
        for steps in 0.. {
            let app = App::new(files);
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

            let app = App::new(files);
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
    for files in APPS {
        for steps in 0.. {
            let app = App::new(files);
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
