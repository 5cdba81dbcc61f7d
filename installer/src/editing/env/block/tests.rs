//! Tests of adding and removing the block, byte by byte.

use super::*;

fn install(file: &[u8], created: &Receipt, values: &InstallValues) -> Result<Vec<u8>, Failure> {
    EnvState::new(file)?.install(created, values, EnvReaders::Dotenvy)
}

fn uninstall(file: &[u8], removes_edited_values: bool) -> Result<Option<BlockRemoval>, Failure> {
    Ok(EnvState::new(file)?.uninstall(removes_edited_values))
}

/// The values that an app reads.
fn values(file: &[u8]) -> BTreeMap<String, String> {
    let file = EnvFile::new(file.to_vec());
    assert!(
        EnvReaders::Dotenvy.check(&file).is_ok(),
        "dotenvy can read it"
    );
    let values = read_values(&file).into_iter();
    values
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn installed(file: &str) -> Vec<u8> {
    let mut created = Receipt::default();
    created.add_with_hash("public/js/sse.js", b"x");
    install(file.as_bytes(), &created, &InstallValues::default())
        .unwrap_or_else(|failure| panic!("{file:?}: {failure}"))
}

fn uninstalled(file: &[u8]) -> BlockRemoval {
    let removal = uninstall(file, false).unwrap_or_else(|failure| panic!("{failure}"));
    removal.expect("the block is there")
}

fn refusal(file: &str) -> Failure {
    let result = install(
        file.as_bytes(),
        &Receipt::default(),
        &InstallValues::default(),
    );
    result.expect_err("it must be refused")
}

#[test]
fn unpaired_markers_are_listed_in_the_order_of_their_lines() {
    let file = format!("# <<< sse <<<\n{}# >>> sse >>>\n", "\n".repeat(8));
    let text = refusal(&file).to_string();
    assert!(text.contains("(line 1, 10)"), "{text}");
    let file = format!("\n# >>> sse >>>\n{}# >>> sse >>>\n", "\n".repeat(8));
    let text = refusal(&file).to_string();
    assert!(text.contains("(line 2, 11)"), "{text}");
}

/// Unusual files that dotenvy can read.
const UNUSUAL_FILES: &[&str] = &[
    "",
    "\n",
    "A=1",
    "A=1\n",
    "A=1 ",
    "A=1\r",
    "A=1\r\n",
    "A=1\r\nB=2",
    "A=1\r\nB=2\nC=3",
    "A=1\nB=2\r\nC=3\n",
    "\u{feff}",
    "\u{feff}A=1\n",
    "\u{feff}A=1",
    "A=1\n\n\n\n",
    "# only a comment, it's harmless",
    "SSE_EVENTS=a:b\n",
    "SSE_EVENTS=a:b:private\n",
    "SSE_EVENTS=\n",
    "export SSE_STREAM_DURATION=300",
    "SSE_STREAM_DURATION = '300'\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=a:b\n",
    "# SSE_EVENTS=a:b\n#SSE_POLL_INTERVAL=1",
    "SSE_EVENTS=a:b\nSSE_EVENTS=c:d\n",
    "SSE_TTL=5\nSSE_CACHE=x\n",
    "TEXT='\nSSE_EVENTS=no\n# >>> sse >>>\n'\nB=2\n",
    "TEXT='\n# >>> sse >>>\n' ",
    "TEXT=\"a \\\" b\nSSE_POLL_INTERVAL=no\"",
    "A=\"$HOME and ${B}\"\nB='$'\n",
];

#[test]
fn uninstall_restores_every_byte() {
    for file in UNUSUAL_FILES {
        let with = installed(file);
        assert_ne!(with, file.as_bytes(), "{file:?}");
        let out = uninstalled(&with);
        assert_eq!(out.text, file.as_bytes(), "{file:?}");
        assert!(out.edited.is_empty() && out.owner_lines == 0, "{file:?}");
        let again =
            uninstall(&out.text, false).unwrap_or_else(|failure| panic!("{file:?}: {failure}"));
        assert!(again.is_none(), "{file:?}");
    }
}

#[test]
fn a_second_install_changes_nothing() {
    for file in UNUSUAL_FILES {
        let once = installed(file);
        let twice = installed(&String::from_utf8(once.clone()).expect("valid UTF-8"));
        assert_eq!(twice, once, "{file:?}");
    }
}

#[test]
fn the_three_keys_are_on_consecutive_lines_as_documented() {
    let with = String::from_utf8(installed("")).expect("valid UTF-8");
    let lines = "\nSSE_STREAM_DURATION=15\nSSE_POLL_INTERVAL=2\n\
         SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2\n";
    assert!(with.contains(lines), "{with}");
    assert!(
        with.contains("`sse install`") && with.contains("Use 300 in production"),
        "{with}"
    );
}

#[test]
fn added_lines_have_the_files_line_ending() {
    let with = installed("A=1\r\nB=2\r\n");
    assert!(
        with.windows(2)
            .all(|pair| pair[1] != b'\n' || pair[0] == b'\r')
    );
}

#[test]
fn an_existing_key_keeps_its_value() {
    let with = installed("export SSE_EVENTS='a:b'\n");
    let values = values(&with);
    assert_eq!(values["SSE_EVENTS"], "a:b");
    assert_eq!(values["SSE_POLL_INTERVAL"], "2");
}

#[test]
fn a_file_that_dotenvy_cannot_read_is_a_conflict_with_its_line_number() {
    for (file, line) in [
        ("A=1\nB='open\n", "line 2"),
        ("A=1\nB=\"open", "line 2"),
        ("it's\n", "line 1"),
        ("\nA=two words\n", "line 2"),
        ("A=1 \\", "line 1"),
    ] {
        let failure = refusal(file);
        assert_eq!(failure.code(), crate::exit::CONFLICT, "{file:?}");
        assert!(failure.to_string().contains(line), "{file:?}: {failure}");
    }
    let failure =
        install(b"A=\xff\n", &Receipt::default(), &InstallValues::default()).expect_err("no UTF-8");
    assert_eq!(failure.code(), crate::exit::CONFLICT);
}

#[test]
fn unpaired_markers_are_a_conflict() {
    for file in [
        "# >>> sse >>>\n",
        "# <<< sse <<<\n",
        "# <<< sse <<<\n# >>> sse >>>\n",
        "# >>> sse >>>\n# >>> sse >>>\n# <<< sse <<<\n",
    ] {
        assert_eq!(refusal(file).code(), crate::exit::CONFLICT, "{file:?}");
        assert!(uninstall(file.as_bytes(), false).is_err(), "{file:?}");
    }
}

#[test]
fn the_owners_lines_inside_the_block_stay() {
    let with = String::from_utf8(installed("A=1")).expect("valid UTF-8");
    let with = with
        .replace(
            "SSE_POLL_INTERVAL=2\n",
            "SSE_POLL_INTERVAL=7\nSSE_TTL=5\n# mine\n",
        )
        .replace("SSE_EVENTS=", "SSE_EVENTS=mine:mine\nSSE_EVENTS=");
    let out = uninstalled(with.as_bytes());
    let left = String::from_utf8(out.text).expect("valid UTF-8");
    let lines = "SSE_TTL=5\n# mine\nSSE_EVENTS=mine:mine";
    assert_eq!(left, format!("A=1\nSSE_POLL_INTERVAL=7\n{lines}"));
    assert_eq!(out.edited, ["SSE_POLL_INTERVAL=7"]);
    assert_eq!(out.owner_lines, 3);
    let out = uninstall(with.as_bytes(), true).expect("valid input");
    let left = String::from_utf8(out.expect("the block is there").text).expect("valid UTF-8");
    assert_eq!(left, format!("A=1\n{lines}"));
}

#[test]
fn text_after_the_block_and_a_moved_block_are_handled() {
    let with = installed("A=1");
    let with = [with.as_slice(), b"\nB=2\n"].concat();
    assert_eq!(uninstalled(&with).text, b"A=1\nB=2\n");
    let with = [installed("").as_slice(), b"A=1"].concat();
    assert_eq!(uninstalled(&with).text, b"A=1");
}

#[test]
fn a_key_that_was_removed_from_the_block_is_added_again() {
    let with = String::from_utf8(installed("A=1\n")).expect("valid UTF-8");
    let without = with.replace("SSE_POLL_INTERVAL=2\n", "");
    let again = installed(&without);
    assert_eq!(values(&again)["SSE_POLL_INTERVAL"], "2");
    assert_eq!(uninstalled(&again).text, b"A=1\n");
}

#[test]
fn a_value_from_arguments_is_ours_until_it_is_edited() {
    let chosen = InstallValues(vec![("SSE_EVENTS", "an order:orders:private".to_owned())]);
    let with = install(b"A=1\n", &Receipt::default(), &chosen).expect("it can be installed");
    assert_eq!(values(&with)["SSE_EVENTS"], "an order:orders:private");
    let state = EnvState::new(&with).expect("valid input");
    let mut shown = state.settings_to_show();
    assert!(shown.all(|(_, state)| state == SettingState::Installed));
    assert_eq!(uninstalled(&with).text, b"A=1\n");
    let edited = String::from_utf8(with)
        .expect("valid UTF-8")
        .replace(":orders", ":bills");
    assert_eq!(
        uninstalled(edited.as_bytes()).edited,
        ["SSE_EVENTS='an order:bills:private'"]
    );
}

#[test]
fn a_setting_that_something_chose_is_added_and_removed() {
    let chosen = InstallValues(vec![("SSE_PUBLIC", "web".to_owned())]);
    for old in ["A=1\n", "SSE_EVENTS=a:b", ""] {
        let with =
            install(old.as_bytes(), &Receipt::default(), &chosen).expect("it can be installed");
        assert_eq!(values(&with)["SSE_PUBLIC"], "web");
        let again = install(&with, &Receipt::default(), &chosen).expect("it can be installed");
        assert_eq!(again, with);
        assert_eq!(uninstalled(&with).text, old.as_bytes());
    }
    // An owner's line in the block is not that of `install`.
    let with = String::from_utf8(installed("A=1\n")).expect("valid UTF-8");
    let with = with.replace("# <<<", "SSE_PUBLIC=web\n# <<<");
    let removal = uninstall(with.as_bytes(), true).expect("it can be read");
    let removal = removal.expect("the block is there");
    assert_eq!(removal.text, b"A=1\nSSE_PUBLIC=web\n");
    assert!(removal.edited.is_empty() && removal.owner_lines == 1);
}

#[test]
fn a_line_that_only_another_language_can_read_is_kept_if_dotenvy_is_not_used() {
    let install = |file: &str, readers| {
        let state = EnvState::new(file.as_bytes()).expect("valid input");
        state.install(&Receipt::default(), &InstallValues::default(), readers)
    };
    for line in [
        "session.driver = CodeIgniter\\Session\\Handlers\\FileHandler",
        "app-name=x",
        "APP_NAME=two words",
    ] {
        let file = format!("A=1\n{line}\n");
        assert!(install(&file, EnvReaders::Dotenvy).is_err(), "{line}");
        let with = install(&file, EnvReaders::OtherLanguage);
        let with = with.unwrap_or_else(|failure| panic!("{line}: {failure}"));
        let new = EnvFile::new(with.clone());
        assert_eq!(
            new.get("SSE_POLL_INTERVAL").map(|(_, value)| value),
            Some("2")
        );
        assert_eq!(uninstalled(&with).text, file.as_bytes());
    }
    for line in ["A='open", "SSE_EVENTS=a:b, c:d", "SSE_TTL='1\n2'"] {
        let failure = install(&format!("B=1\n{line}\n"), EnvReaders::OtherLanguage);
        let failure = failure.err().map(|failure| failure.to_string());
        assert!(
            failure.is_some_and(|text| text.contains("\nhelp: ")),
            "{line}"
        );
    }
}

#[test]
fn the_receipt_grows_with_later_creations() {
    let with = installed("A=1\n");
    let mut later = Receipt::default();
    later.add("public/");
    let with = install(&with, &later, &InstallValues::default()).expect("it can be installed");
    let state = EnvState::new(&with).expect("valid input");
    assert!(state.receipt.has("public/") && state.receipt.has("public/js/sse.js"));
    assert_eq!(uninstalled(&with).text, b"A=1\n");
}

#[test]
fn random_files_are_restored_or_refused() {
    const PIECES: &[&str] = &[
        "A=",
        "B='",
        "C=\"",
        "'",
        "\"",
        "1",
        " ",
        "  ",
        "\\",
        "#",
        "# it's",
        "=",
        "$A",
        "${",
        "export ",
        "SSE_EVENTS=",
        "SSE_POLL_INTERVAL=9",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "\u{feff}",
        "\u{a0}",
        "# >>> sse >>>",
        "# <<< sse <<<",
        "# sse: x",
    ];
    let mut random = text::tests::Random(1);
    let (mut restored, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let length = random.below(12);
        let file: String = (0..length)
            .map(|_| PIECES[random.below(PIECES.len())])
            .collect();
        if EnvState::new(file.as_bytes()).is_ok_and(|state| state.has_block()) {
            continue;
        }
        let Ok(with) = install(
            file.as_bytes(),
            &Receipt::default(),
            &InstallValues::default(),
        ) else {
            refused += 1;
            continue;
        };
        let values = values(&with);
        assert!(
            INSTALLED_SETTINGS
                .iter()
                .all(|setting| values.contains_key(setting.name)),
            "{file:?}"
        );
        assert_eq!(uninstalled(&with).text, file.as_bytes(), "{file:?}");
        restored += 1;
    }
    assert!(
        restored > 1_000 && refused > 1_000,
        "{restored} restored, {refused} refused"
    );
}
