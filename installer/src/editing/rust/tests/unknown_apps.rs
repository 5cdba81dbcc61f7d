//! Files that do not show that their `App` is actix-web's.

use super::refusals::Case;

pub(super) const UNKNOWN_APP: &[Case] = &[
    ("nothing imported", "fn main() { App::new(); }", &[1]),
    (
        "by a glob",
        "use actix_web::*;\nfn main() { App::new(); }",
        &[2],
    ),
    (
        "by a glob, and imported in a module",
        "use gui::*;\nmod web { use actix_web::App; }\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "imported, and by a glob in a module",
        "use actix_web::App;\nmod gui { use toolkit::*; fn f() { App::new(); } }",
        &[2],
    ),
    (
        "imported, and by a glob in a function",
        "use actix_web::App;\nfn main() { use toolkit::*; App::new(); }",
        &[2],
    ),
    (
        "from bevy",
        "use bevy::prelude::*;\nfn main() { App::new().run(); }",
        &[2],
    ),
    (
        "from clap",
        "use clap::App;\nfn main() { App::new(\"a\"); }",
        &[2],
    ),
    (
        "from another file",
        "use crate::prelude::App;\nfn main() { App::new(); }",
        &[2],
    ),
    (
        "from a module `actix_web` in another file",
        "mod actix_web;\nuse actix_web::App;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "from a module `actix_web` in this file",
        "mod actix_web { pub struct App; }\nuse actix_web::App;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "imported for tests only",
        "#[cfg(test)]\nuse actix_web::App;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "one of two imports, chosen by a feature",
        "#[cfg(feature = \"a\")]\nuse actix_web::App;\n#[cfg(not(feature = \"a\"))]\nuse bevy::app::App;\nfn main() { App::new(); }",
        &[5],
    ),
    (
        "shadowed by a type parameter",
        "use actix_web::App;\nfn f<App: Make>() { App::new(); }",
        &[2],
    ),
    (
        "shadowed by a type parameter of an impl",
        "use actix_web::App;\nimpl<App: Make> A<App> { fn f() { App::new(); } }",
        &[2],
    ),
    (
        "shadowed by a struct",
        "use actix_web::*;\nstruct App;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "shadowed by a struct in the function",
        "use actix_web::App;\nfn main() { struct App; App::new(); }",
        &[2],
    ),
    (
        "one certain, and one that may be actix-web's",
        "fn a() { actix_web::App::new(); }\nfn b() { use crate::x::App; App::new(); }",
        &[2],
    ),
    (
        "perhaps not actix-web's, not called",
        "use crate::x::*;\nfn b() { x.unwrap_or_else(App::new); }",
        &[2],
    ),
    (
        "cyclic imports",
        "use a::App; use b as a; use a as b;\nfn main() { App::new(); }",
        &[2],
    ),
    (
        "cyclic modules",
        "mod a { pub use super::b::*; } mod b { pub use super::a::*; }\nuse a::*;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "imported outside of the module",
        "use actix_web::App;\nmod cli { fn f() { App::new(); } }",
        &[2],
    ),
    (
        "in a module with items from another file",
        "use actix_web::App;\nmod cli { include!(\"cli_app.rs\"); fn f() { App::new(); } }",
        &[2],
    ),
    (
        "in a module whose macro may hide the glob's names",
        "use actix_web::App;\nmod cli { use super::*; imports!(); fn f() { App::new(); } }",
        &[2],
    ),
    (
        "in a function whose macro may bind it",
        "use actix_web::App;\nmacro_rules! imports { () => { use gui::App; } }\nfn main() { imports!(); App::new(); }",
        &[3],
    ),
    (
        "in a function that gives its name to a macro of the file",
        "use actix_web::App;\nmacro_rules! define { ($a:ident) => { struct $a; } }\nfn main() { define!(App); App::new(); }",
        &[3],
    ),
    (
        "imported again for tests or with a feature",
        "use actix_web::App;\n#[cfg(any(test, feature = \"mock\"))]\nuse mock::App;\nfn main() { App::new(); }",
        &[4],
    ),
    (
        "in a module for tests or with a feature",
        "#[cfg(not(any(test, feature = \"mock\")))]\nuse actix_web::App;\n#[cfg(any(test, feature = \"mock\"))]\nuse mock::App;\n#[cfg(any(test, feature = \"mock\"))]\nmod mock { pub struct App; }\nfn main() { App::new(); }",
        &[7],
    ),
    (
        "imported again in a function, behind a feature",
        "use gui::App;\nfn main() { #[cfg(feature = \"web\")] use actix_web::App; App::new(); }",
        &[2],
    ),
    (
        "imported from a module inside of another",
        "use actix_web::App;\nmod a { use gui::App; mod b { use super::App; fn f() { App::new(); } } }",
        &[2],
    ),
    (
        "by a glob of a module inside of another",
        "use actix_web::App;\nmod a { use gui::App; mod b { use super::*; fn f() { App::new(); } } }",
        &[2],
    ),
    (
        "by `self` in a function",
        "use actix_web::App;\nmod a { use gui::App; fn f() { self::App::new(); } }",
        &[2],
    ),
    (
        "by a glob of actix-web inside of a glob of another crate",
        "use gui::*;\nfn main() { use actix_web::*; App::new(); }",
        &[2],
    ),
    (
        "by the glob of a type that is not of the file",
        "use actix_web::App;\nfn main() { use crate::model::Color::*; App::new(); }",
        &[2],
    ),
    (
        "by the glob of another crate in a block of the function",
        "use actix_web::App;\nfn main() { { use toolkit::*; { App::new(); } } }",
        &[2],
    ),
    (
        "through a module of the file with a glob",
        "mod web { pub use gui::*; }\nuse actix_web::App;\nfn main() { use web::*; App::new(); }",
        &[3],
    ),
    (
        "by a crate that another crate's glob may hide",
        "use actix_web as aw;\nfn main() { use toolkit::*; aw::App::new(); }",
        &[2],
    ),
    (
        "by a crate's name that is another crate's",
        "extern crate gui as actix_web;\nmod a { fn f() { actix_web::App::new(); } }\nfn main() { ::actix_web::App::new(); }",
        &[2, 3],
    ),
    (
        "under an alias of another type in the function",
        "use actix_web::App;\nfn main() { type App = gui::App; App::new(); }",
        &[2],
    ),
    (
        "beside an App that may be actix-web's in a module",
        "use actix_web::App;\nmod a { use toolkit::*; fn f() { App::new(); } }\nfn main() { App::new(); }",
        &[2],
    ),
    (
        "imported in a function behind a feature, beside a glob of the file",
        "use gui::*;\nfn main() { #[cfg(feature = \"web\")] use actix_web::App; App::new(); }",
        &[2],
    ),
    (
        "imported in a function behind a feature, beside a macro of the file",
        "macro_rules! define { ($a:ident) => { struct $a; } }\ndefine!(App);\nfn main() { #[cfg(feature = \"web\")] use actix_web::App; App::new(); }",
        &[3],
    ),
    (
        "beside a type behind a feature and a glob",
        "use actix_web::*;\n#[cfg(feature = \"tui\")]\nstruct App;\nfn a() { App::new(); }\nfn main() { actix_web::App::new(); }",
        &[4],
    ),
];
