//! The Rust code of docs/guides/html-front-ends.md is compiled and run here, and the guide shows the same lines.

use actix_web_sse::testing::TestSse;
use support::{DEADLINE, workspace};

/// As the guide shows it, without the code around it.
#[rustfmt::skip]
mod fragments {
    use actix_web_sse::cache;

    /// For text between tags and in quoted attributes. A line end stays within its line.
    fn escape(text: &str) -> String {
        let mut html = String::new();
        for character in text.chars() {
            match character {
                '&' | '<' | '>' | '"' | '\'' | '\r' | '\n' => html += &format!("&#{};", u32::from(character)),
                _ => html.push(character),
            }
        }
        html
    }

    pub(super) struct Order {
        pub(super) name: String,
    }

    pub(super) async fn announce(order: &Order) -> Result<(), actix_web_sse::Error> {
        cache().save("page_updates", format!("<li>{} was sent.</li>", escape(&order.name))).await?;
        Ok(())
    }
}

#[rustfmt::skip]
mod stream {
    use actix_web::{App, Responder, body::MessageBody, dev::{ServiceFactory, ServiceRequest, ServiceResponse}, web};
    use actix_web_sse::{Sse, Subscription};

    async fn page_updates(sse: web::Data<Sse>, subscription: Subscription) -> impl Responder {
        sse.respond(subscription.only(["message"]).without_envelope())
    }

    pub(super) fn app() -> App<
        impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<impl MessageBody>, Error = actix_web::Error, InitError = ()>,
    > {
        App::new().service(web::resource("/page-updates").to(page_updates))     // every method
    }
}

/// The lines of code without their indentation.
fn unindented(code: &str) -> String {
    code.lines()
        .map(|line| line.trim().to_owned() + "\n")
        .collect()
}

#[test]
fn the_guide_shows_the_code_that_is_tested() {
    let guide = workspace().join("docs/guides/html-front-ends.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let blocks: Vec<_> = guide.split("\n```rust\n").skip(1).collect();
    assert!(!blocks.is_empty());
    let tested = unindented(include_str!("html_guide.rs"));
    for block in blocks {
        let block = block.split("```").next().unwrap();
        for part in unindented(block).split("\n\n") {
            assert!(tested.contains(part), "the guide shows other code:\n{part}");
        }
    }
}

#[actix_web::test]
async fn a_fragment_contains_the_text_of_a_user_as_text_and_in_one_line() {
    let sse = TestSse::in_memory("message:page_updates,order:order").with_deadline(DEADLINE);
    let app = stream::app().app_data(actix_web::web::Data::new(sse.sse().clone()));
    let app = actix_web::test::init_service(app).await;
    let mut page = sse
        .connect_through(&app, |request| request.uri("/page-updates").to_request())
        .await;
    sse.cache().save("order", 1).await.unwrap();
    let name = "<b title='&\"'>\r\nelements Ü".to_owned();
    fragments::announce(&fragments::Order { name })
        .await
        .unwrap();
    let event = page.next_event().await;
    assert_eq!(event.name(), "message");
    assert_eq!(
        event.data.as_deref(),
        Some("<li>&#60;b title=&#39;&#38;&#34;&#39;&#62;&#13;&#10;elements Ü was sent.</li>")
    );
}
