//! The scripts that run in Redis: each is atomic there.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("scripts/head.lua"), include_str!($file)))
        });)*
    };
}

scripts! {
    LOOK = "scripts/look.lua";
    APPEND = "scripts/append.lua";
    CREATE = "scripts/create.lua";
    RENEW = "scripts/renew.lua";
    TRIM = "scripts/trim.lua";
    CHECK = "scripts/check.lua";
}
