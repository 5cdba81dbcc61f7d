//! Each test causes what it counts, with a recorder of its own.
#![cfg(all(feature = "actix", feature = "metrics"))]

mod deliveries;
mod journal;
mod recorder;
mod saves;
mod streams;

pub(crate) use self::recorder::Recorded;
use super::metrics;

#[test]
fn every_metric_is_described_with_its_unit() {
    let recorded = Recorded::new();
    let _observations = super::Observations::new();
    let described: Vec<_> = metrics()
        .iter()
        .map(|metric| {
            let unit = metric.unit().unwrap_or("count").to_owned();
            (
                metric.name().to_owned(),
                (unit, metric.description().to_owned()),
            )
        })
        .collect();
    assert_eq!(recorded.described(), described.into_iter().collect());
}
