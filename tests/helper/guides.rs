//! `guide NAME`: the app of a guide, in the folder with its `.env`. The guide shows the code of these files.

/// The place of a guide's 8080, where each test has another port.
fn port() -> u16 {
    std::env::var("PORT").unwrap().parse().unwrap()
}

/// As a program has it, so `main` is private.
macro_rules! app {
    ($name:ident) => {
        mod $name {
            use super::port;

            include!(concat!("guides/", stringify!($name), ".rs"));

            pub(super) fn run() {
                main().unwrap();
            }
        }
    };
}

app!(single_users);
app!(tokens);

pub(crate) fn run(arguments: &[String]) {
    let [name] = arguments else {
        panic!("guide NAME: {arguments:?}");
    };
    match name.as_str() {
        "single-users" => single_users::run(),
        "tokens" => tokens::run(),
        other => panic!("no guide has the app `{other}`"),
    }
}
