use std::{collections::HashMap, time::Duration};

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{Span as _, TraceContextExt},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{Span, SpanData, SpanProcessor},
};

/// Links each `sse.deliver` to the span of its save.
#[derive(Debug)]
struct LinkDeliveries;

impl SpanProcessor for LinkDeliveries {
    fn on_start(&self, span: &mut Span, _: &Context) {
        let attributes = span.exported_data().map(|data| data.attributes);
        let mut attributes = attributes.into_iter().flatten();
        let Some(trace) = attributes.find(|attribute| attribute.key.as_str() == "traceparent") else {
            return;
        };
        let headers = HashMap::from([("traceparent".to_owned(), trace.value.to_string())]);
        let save = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        span.add_link(save.span().span_context().clone(), Vec::new());
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The trace context of the current span, for `Save::trace_parent`.
fn current_trace_parent() -> Option<String> {
    let context = tracing_opentelemetry::OpenTelemetrySpanExt::context(&tracing::Span::current());
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut headers);
    headers.remove("traceparent")
}
