//! Invalid code, and the compiler's errors.

use super::{BEGIN, app::App};

/// Invalid lines, each with the error that explains it.
const INVALID_LINES: [(&str, &str); 26] = [
    ("sse.on('ordre', () => {});", MISSPELT),
    ("sse.once('ordre', () => {});", MISSPELT),
    ("sse.off('ordre', () => {});", MISSPELT),
    ("sse.addEventListener('ordre', () => {});", MISSPELT),
    ("sse.removeEventListener('ordre', () => {});", MISSPELT),
    (
        "sse.on('sse.statsu', () => {});",
        "TS2345: Argument of type '\"sse.statsu\"'",
    ),
    (
        "sse.addEventListener('*', () => {});",
        "TS2345: Argument of type '\"*\"'",
    ),
    (
        "new SseClient('/', { events: ['order', 'ordre'] });",
        "TS2820: Type '\"ordre\"' is not assignable to type 'SseEventName'. Did you mean '\"order\"'?",
    ),
    (
        "sse.on('order', (value: number) => value);",
        "Type '{ order: number; }' is not assignable to type 'number'",
    ),
    (
        "sse.on('order', (value) => value.ordre);",
        "TS2551: Property 'ordre' does not exist on type '{ order: number; }'",
    ),
    (
        "sse.addEventListener('order', (event) => event.value.order.length);",
        "TS2339: Property 'length' does not exist on type 'number'",
    ),
    (
        "sse.on('sse.gap', ({ reason }) => reason === 'lost');",
        "TS2367: This comparison appears to be unintentional",
    ),
    (
        "sse.on('sse.heartbeat', (value: string) => value);",
        "Type 'number' is not assignable to type 'string'",
    ),
    (
        "sse.onerror = (event) => event.code;",
        "TS2339: Property 'code' does not exist on type 'SseErrorEvent'",
    ),
    (
        "new SseClient('/', { withCredential: true });",
        "TS2561: Object literal may only specify known properties, but 'withCredential'",
    ),
    (
        "new SseClient('/', { share: 7 });",
        "TS2322: Type 'number' is not assignable to type 'string | boolean | undefined'",
    ),
    (
        "new SseClient('/', { lastEventId: 7 });",
        "TS2322: Type 'number' is not assignable to type 'string'",
    ),
    (
        "new SseClient('/', { to: 7 });",
        "TS2322: Type 'number' is not assignable to type 'string | readonly string[] | undefined'",
    ),
    (
        "new SseClient('/', { headers: 7 });",
        "TS2322: Type 'number' is not assignable to type",
    ),
    (
        "new SseClient('/', { latest: 'yes' });",
        "TS2322: Type 'string' is not assignable to type 'boolean | undefined'",
    ),
    (
        "sse.on('sse.identity-changed', (value: string) => value);",
        "Type 'null' is not assignable to type 'string'",
    ),
    (
        "new SseClient(7);",
        "TS2345: Argument of type '7' is not assignable to parameter of type 'string | URL | undefined'",
    ),
    (
        "sse.listen('order', () => {});",
        "TS2339: Property 'listen' does not exist on type 'SseClient'",
    ),
    ("sse.on('order', null);", "TS2345: Argument of type 'null'"),
    (
        "sse.on('order');",
        "TS2554: Expected 2 arguments, but got 1",
    ),
    (
        "sse.lastEventId = '';",
        "TS2540: Cannot assign to 'lastEventId' because it is a read-only property",
    ),
];

const MISSPELT: &str = "TS2345: Argument of type '\"ordre\"' is not assignable to parameter";

#[test]
fn invalid_code_is_rejected_with_the_right_error() {
    let app = App::new("order:k1,toast:k2");
    for (number, (line, _)) in INVALID_LINES.iter().enumerate() {
        app.write(
            &format!("web/invalid{number}.ts"),
            &format!("{BEGIN}{line}\n"),
        );
    }
    for resolution in ["bundler", "nodenext"] {
        let errors = app.errors(resolution);
        for (number, (line, expected)) in INVALID_LINES.iter().enumerate() {
            let place = format!("web/invalid{number}.ts(6,");
            let found: Vec<_> = errors
                .iter()
                .filter(|error| error.starts_with(&place))
                .collect();
            let [error] = found[..] else {
                panic!("{line} gives {found:?}");
            };
            assert!(error.contains(expected), "{line} gives {error}");
        }
        assert_eq!(errors.len(), INVALID_LINES.len(), "{errors:?}");
    }
}
