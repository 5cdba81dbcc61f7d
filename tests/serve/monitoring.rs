//! The dashboard and the alert rules of the documentation use the metrics that the servers really have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use actix_web_sse::{Metric, MetricKind, metrics};
use serde_json::Value;
use support::{App, Server, Stream, get, sse_in, until, workspace};

use crate::app::{ENV, OtherApp};

/// Labels that Prometheus adds, and that of the buckets of a histogram.
const LABELS_OF_PROMETHEUS: [&str; 2] = ["instance", "le"];

/// The metrics of a server, each with its labels, and with the values of each label.
type Exposition = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn exposition(server: &Server) -> Exposition {
    let text = &get(&server.admin_address(), "/metrics").body;
    let mut found = Exposition::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, labels) = selector(line).unwrap_or_else(|| panic!("not a sample: {line}"));
        let values = found.entry(name.to_owned()).or_default();
        for (label, _, value) in matchers(labels) {
            values
                .entry(label.to_owned())
                .or_default()
                .insert(value.to_owned());
        }
    }
    found
}

/// The name of the first metric in `text`, and what is in the braces after it.
fn selector(text: &str) -> Option<(&str, &str)> {
    let text = &text[text.find("sse_")?..];
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let labels = rest
        .strip_prefix('{')
        .and_then(|rest| rest.split_once('}'))
        .map_or("", |(labels, _)| labels);
    Some((name, labels))
}

fn selectors(mut expression: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    while let Some((name, labels)) = selector(expression) {
        found.push((name, labels));
        let at = expression.find("sse_").unwrap();
        expression = &expression[at + name.len()..];
    }
    found
}

/// Label, operator and value of each part of `reason="a", op!~"b|c"`.
fn matchers(labels: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    labels
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (left, value) = part.split_once('"').expect("a value in quotes");
            let at = left.find(['=', '!']).expect("an operator");
            let (label, operator) = left.split_at(at);
            (
                label.trim(),
                operator,
                value.trim_end().trim_end_matches('"'),
            )
        })
}

/// The labels in each `by (…)` of an expression.
fn grouped_by(expression: &str) -> impl Iterator<Item = &str> {
    let lists = expression.split("by (").skip(1);
    lists
        .filter_map(|rest| rest.split_once(')'))
        .flat_map(|(list, _)| list.split(',').map(str::trim))
}

/// Expects that the server has every metric and every label in this expression, and each of the values.
#[track_caller]
fn assert_exists(expression: &str, exposition: &Exposition) {
    let selectors = selectors(expression);
    assert!(!selectors.is_empty(), "no metric: {expression}");
    let mut labels: BTreeSet<&str> = LABELS_OF_PROMETHEUS.into();
    for (name, matched) in selectors {
        let known = exposition.get(name);
        let known = known.unwrap_or_else(|| panic!("`{name}` does not exist: {expression}"));
        labels.extend(known.keys().map(String::as_str));
        for (label, operator, value) in matchers(matched) {
            if label == "instance" {
                continue;
            }
            let values = known.get(label);
            let values = values.unwrap_or_else(|| panic!("`{label}` of {name}: {expression}"));
            let is_pattern = operator.ends_with('~');
            for value in value.split('|') {
                assert!(values.contains(value), "`{value}`: {expression}");
            }
            assert!(is_pattern || !value.contains('|'), "{expression}");
        }
    }
    for label in grouped_by(expression) {
        assert!(labels.contains(label), "`{label}`: {expression}");
    }
}

/// The servers that have metrics: `sse serve` and the starter.
fn expositions() -> [Exposition; 2] {
    let (other, app) = (OtherApp::new(ENV), App::new());
    let serve = other.serve(&["--admin-listen", "127.0.0.1:0"]);
    let starter = Server::start(app.path(), &[("ADMIN_LISTEN", "127.0.0.1:0")]);
    [(&serve, other.path()), (&starter, app.path())].map(|(server, dir)| {
        // The label `event` has no value before the first delivery.
        let stream = Stream::open(server.address(), "/sse/stream", None);
        let save = ["save", "--quiet", "event_cache_key1", "1"];
        assert!(sse_in(dir).args(save).status().unwrap().success());
        stream.next_event();
        until("the delivery is counted", || {
            Some(exposition(server)).filter(|found| found.contains_key("sse_deliveries_total"))
        })
    })
}

fn read(name: &str) -> String {
    fs::read_to_string(workspace().join("docs").join(name)).unwrap()
}

/// The queries of the panels, each with its legend.
fn queries(dashboard: &Value) -> Vec<(&str, &str)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    targets
        .flatten()
        .map(|target| {
            let text = |field: &str| target[field].as_str().unwrap();
            (text("expr"), text("legendFormat"))
        })
        .collect()
}

/// The text after `key` of each rule.
fn values_of<'a>(rules: &'a str, key: &str) -> Vec<&'a str> {
    let key = format!("{key}: ");
    rules
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(&key))
        .collect()
}

#[test]
fn the_dashboard_and_the_alerts_use_metrics_that_the_servers_have() {
    let dashboard: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let rules = read("alerts.yml");
    let queries = queries(&dashboard);
    let expressions = values_of(&rules, "expr");
    for exposition in expositions() {
        for (query, _) in &queries {
            assert_exists(query, &exposition);
        }
        for expression in &expressions {
            assert_exists(expression, &exposition);
        }
        let recorded: BTreeSet<_> = exposition.keys().map(|name| base_name(name)).collect();
        let listed: BTreeSet<_> = metrics().iter().map(Metric::name).collect();
        assert_eq!(recorded, listed, "the servers have every metric");
    }
}

/// The metric to which a series of a histogram belongs.
fn base_name(series: &str) -> &str {
    let histograms = metrics()
        .iter()
        .filter(|metric| metric.kind() == MetricKind::Histogram);
    let suffixes = ["_bucket", "_sum", "_count"];
    let mut names = histograms.map(Metric::name);
    names
        .find(|name| {
            let suffix = series.strip_prefix(name);
            suffix.is_some_and(|suffix| suffixes.contains(&suffix))
        })
        .unwrap_or(series)
}

#[test]
fn the_dashboard_shows_every_metric() {
    let dashboard: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let queries = queries(&dashboard);
    let shown: BTreeSet<_> = (queries.iter())
        .flat_map(|(query, _)| selectors(query))
        .map(|(name, _)| base_name(name))
        .collect();
    let all: BTreeSet<_> = metrics().iter().map(Metric::name).collect();
    assert_eq!(shown, all);
}

/// Grafana shows an empty legend for a label that the query does not keep.
#[test]
fn the_legends_of_the_dashboard_name_labels_that_the_queries_keep() {
    let dashboard: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    for (query, legend) in queries(&dashboard) {
        let Some((_, rest)) = legend.split_once("{{") else {
            continue;
        };
        let label = rest.strip_suffix("}}").unwrap();
        let is_aggregated = query.contains('(');
        assert!(
            grouped_by(query).any(|kept| kept == label) || (!is_aggregated && label == "instance"),
            "`{legend}`: {query}"
        );
    }
}

#[test]
fn every_alert_says_when_it_fires_how_severe_it_is_and_what_to_do() {
    let rules = read("alerts.yml");
    let (_, alerts) = rules.split_once("- alert: ").unwrap();
    for alert in alerts.split("- alert: ") {
        for key in ["expr", "for", "labels", "summary", "runbook"] {
            assert_eq!(values_of(alert, key).len(), 1, "{key}: {alert}");
        }
        let labels = values_of(alert, "labels")[0];
        assert!(
            ["{ severity: critical }", "{ severity: warning }"].contains(&labels),
            "{alert}"
        );
        let expression = values_of(alert, "expr")[0];
        for used in alert.split("$labels.").skip(1) {
            let end = used.find(|c: char| !c.is_ascii_alphanumeric());
            let label = &used[..end.unwrap()];
            assert!(
                label == "instance" || grouped_by(expression).any(|kept| kept == label),
                "`{label}`: {alert}"
            );
        }
    }
}
