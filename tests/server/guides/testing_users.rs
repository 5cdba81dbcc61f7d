#[actix_web::test]
async fn an_invoice_reaches_its_user_alone() {
    let sse = TestSse::in_memory("invoice:invoices:private");
    let mut anne = sse.as_user("user:4").connect();
    let mut bob = sse.as_user("user:5").connect();

    cache().save("invoices", 42).to("user:4").await.unwrap();  // in your app: call the handler

    assert_eq!(anne.next::<u64>("invoice").await, 42);
    bob.expect_nothing().await;
    sse.assert_saved_to("user:4", "invoices", 42);
}
