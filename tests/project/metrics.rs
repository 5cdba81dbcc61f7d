//! The documentation of the metrics lists those that the library records.

use actix_web_sse::{Metric, MetricKind, metrics};

use crate::markdown::read;

const GUIDE: &str = "docs/guides/metrics.md";

#[test]
fn the_documentation_lists_every_metric() {
    let document = read(GUIDE);
    let documented: Vec<_> = (document.lines())
        .filter(|line| line.starts_with("| `sse_"))
        .collect();
    let recorded: Vec<_> = metrics()
        .iter()
        .map(|metric| {
            let kind = match metric.kind() {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
                MetricKind::Histogram => "histogram",
                _ => unreachable!("there are three kinds"),
            };
            let label = metric.label().map(|label| format!("`{label}` "));
            let unit = metric.unit().map(|unit| format!("{unit} "));
            format!(
                "| `{}` | {kind} | {}| {}| {} |",
                metric.name(),
                unit.unwrap_or_default(),
                label.unwrap_or_default(),
                metric.description()
            )
        })
        .collect();
    assert_eq!(documented, recorded);
}

#[test]
fn the_documentation_explains_every_value_of_a_label() {
    let document = read(GUIDE);
    let values = metrics().iter().flat_map(Metric::label_values);
    let unexplained = values.filter(|value| !document.contains(&format!("`{value}`")));
    assert_eq!(unexplained.collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn the_dashboard_has_words_for_every_value_of_a_label() {
    let words = read("assets/dashboard/words.js");
    let has_words = |value: &str| {
        let names = [format!("  {value}: "), format!("  '{value}': ")];
        names.iter().any(|name| words.contains(name))
    };
    let values = metrics().iter().flat_map(Metric::label_values);
    let without = values.filter(|value| !has_words(value));
    assert_eq!(without.collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn only_histograms_have_buckets_in_ascending_order() {
    for metric in metrics() {
        let is_histogram = metric.kind() == MetricKind::Histogram;
        assert_eq!(!metric.buckets().is_empty(), is_histogram, "{metric:?}");
        assert!(metric.buckets().is_sorted(), "{metric:?}");
    }
}
