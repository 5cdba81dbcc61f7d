//! The command with its help texts: each subcommand lists its own options and some examples; the options of every
//! command and the exit codes are in `sse --help` alone.

use anstyle::{Effects, Style};
use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// As clap prints its own headings.
const HEADING_STYLE: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));

const SEE_ALSO: &str =
    "`sse --help` describes the options of every command, such as -C DIR, and the exit codes.";

/// Command lines with their meaning, by the name of the subcommand.
const EXAMPLES: [(&str, &[(&str, &str)]); 12] = [
    (
        "install",
        &[
            ("sse install", "with two example events"),
            (
                "sse install --events order:orders,stock:stock_levels",
                "with your own",
            ),
            ("sse install --diff", "show the changes, and make none"),
            (
                "sse install --public web",
                "into an app in another language",
            ),
        ],
    ),
    (
        "uninstall",
        &[
            ("sse uninstall", "remove what install added"),
            ("sse uninstall --dry-run", "list what would be removed"),
        ],
    ),
    (
        "status",
        &[
            ("sse status", "one line for each item"),
            ("sse status --json", "for scripts"),
        ],
    ),
    (
        "doctor",
        &[
            ("sse doctor", "the app in this folder"),
            (
                "sse doctor localhost:8080",
                "also the stream of the running server",
            ),
            (
                "sse doctor https://shop.example --wait 90",
                "does a proxy cut off silent streams?",
            ),
            (
                "sse doctor localhost:8080 --save orders",
                "also measure how fast values arrive",
            ),
        ],
    ),
    (
        "save",
        &[
            ("sse save orders '{\"id\": 42, \"total\": 9.5}'", "JSON"),
            (
                "sse save orders 'Order 42 has shipped' --ttl 3600",
                "text, for an hour",
            ),
            (
                "sse save invoices 7 --to user:42 --to role:admin",
                "only for these audiences",
            ),
            ("date | sse save clock -", "the output of a program"),
        ],
    ),
    (
        "get",
        &[
            ("sse get orders", "the value"),
            ("sse get orders --json", "with id and timestamp"),
            ("sse get invoices --to user:42", "the value of one audience"),
        ],
    ),
    (
        "serve",
        &[
            ("sse serve", "for the app in this folder"),
            (
                "sse serve -C /var/www/shop --listen 127.0.0.1:8090",
                "behind a proxy on this machine",
            ),
            (
                "sse serve --auth-url http://127.0.0.1/sse/auth",
                "with private events",
            ),
        ],
    ),
    (
        "delete",
        &[
            ("sse delete orders", ""),
            ("sse delete -q orders", "for scripts: prints only errors"),
            ("sse delete invoices --to user:42", "of one audience"),
        ],
    ),
    (
        "revoke",
        &[
            ("sse revoke user:42", "after a logout, for example"),
            ("sse revoke -q team:7", "for scripts: prints only errors"),
        ],
    ),
    (
        "listen",
        &[
            ("sse listen", "what is saved from now on, in this app"),
            (
                "sse listen --since 10m --events order,stock",
                "also of the last ten minutes",
            ),
            (
                "sse listen localhost:8080 --new",
                "from a server, from now on",
            ),
            (
                "sse listen https://shop.example --json --count 1",
                "for scripts: the next event",
            ),
        ],
    ),
    (
        "completions",
        &[
            (
                "sse completions bash > ~/.local/share/bash-completion/completions/sse",
                "",
            ),
            (
                "echo 'source <(sse completions zsh)' >> ~/.zshrc",
                "after compinit",
            ),
            (
                "sse completions fish > ~/.config/fish/completions/sse.fish",
                "",
            ),
        ],
    ),
    (
        "man",
        &[
            ("sse man | man -l -", "read the page of sse"),
            (
                "sse man ~/.local/share/man/man1",
                "install all pages: man sse, man sse-save, …",
            ),
        ],
    ),
];

/// The command line that `sse` accepts.
pub(crate) fn command() -> Command {
    let command = Cli::command();
    let global = command.get_arguments().filter(|arg| arg.is_global_set());
    // A subcommand that has an argument of this name gets no other.
    let hidden: Vec<Arg> = global.map(|arg| arg.clone().hide(true)).collect();
    command.mut_subcommands(|command| {
        let examples = examples(command.get_name());
        command
            .args(&hidden)
            .after_help(SEE_ALSO)
            .after_long_help(format!("{examples}{SEE_ALSO}"))
    })
}

fn examples(command: &str) -> String {
    let examples = EXAMPLES.iter().find(|(name, _)| *name == command);
    let lines = examples.map_or(&[][..], |(_, lines)| lines);
    let width = lines
        .iter()
        .map(|(line, _)| line.len())
        .max()
        .unwrap_or_default();
    let mut text = format!("{HEADING_STYLE}Examples:{HEADING_STYLE:#}\n");
    for (line, meaning) in lines {
        match *meaning {
            "" => text.push_str(&format!("  {line}\n")),
            meaning => text.push_str(&format!("  {line:width$}  # {meaning}\n")),
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn every_command_has_examples_that_it_accepts() {
        for subcommand in command().get_subcommands() {
            let name = subcommand.get_name();
            let (_, lines) = EXAMPLES
                .iter()
                .find(|(other, _)| *other == name)
                .expect(name);
            assert!((2..=4).contains(&lines.len()), "{name}");
            for (line, _) in *lines {
                assert!(
                    examples(name).lines().all(|line| line.len() <= 100),
                    "{name}"
                );
                // The shell handles the rest.
                let line = line.split(" > ").next().expect("a part");
                let line = line
                    .trim_start_matches("echo 'source <(")
                    .split(")'")
                    .next()
                    .expect("a part");
                let line = line
                    .split(" | ")
                    .find(|part| part.starts_with("sse "))
                    .expect(line);
                let words = shlex::split(line).expect("the quotes are closed");
                let matches = command().try_get_matches_from(words);
                let matches = matches.unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(matches.subcommand_name(), Some(name), "{line}");
            }
        }
    }

    fn help(arguments: &[&str]) -> String {
        let arguments = ["sse"].iter().chain(arguments);
        let error = command()
            .try_get_matches_from(arguments)
            .expect_err("it is the help");
        assert_eq!(error.kind(), ErrorKind::DisplayHelp);
        error.to_string()
    }

    #[test]
    fn only_the_help_of_the_program_lists_exit_codes_and_common_options() {
        let program = help(&["--help"]);
        assert!(
            program.contains("Exit codes:") && program.contains("--manifest-path"),
            "{program}"
        );
        assert!(!help(&["-h"]).contains("Exit codes:"));
        for subcommand in command().get_subcommands() {
            let name = subcommand.get_name();
            let (short, long) = (help(&[name, "-h"]), help(&[name, "--help"]));
            for text in [&short, &long] {
                assert!(
                    !text.contains("Exit codes:") && !text.contains("--manifest-path"),
                    "{text}"
                );
                assert!(text.contains("`sse --help`"), "{text}");
            }
            assert!(
                long.contains("Examples:") && !short.contains("Examples:"),
                "{long}"
            );
            assert!(short.lines().count() < long.lines().count(), "{name}");
        }
        // One line for each option, and few others.
        assert!(
            help(&["save", "-h"]).lines().count() <= 20,
            "{}",
            help(&["save", "-h"])
        );
    }

    #[test]
    fn the_common_options_apply_before_and_after_the_subcommand() {
        for arguments in [
            ["sse", "-C", "app", "get", "k"],
            ["sse", "get", "k", "-C", "app"],
        ] {
            let cli = super::super::parse_from(arguments).expect("valid input");
            assert_eq!(cli.app.dir.as_deref(), Some(std::path::Path::new("app")));
        }
    }
}
