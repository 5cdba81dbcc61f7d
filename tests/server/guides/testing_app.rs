#[actix_web::test]
async fn each_user_receives_their_own_invoices() {
    let sse = TestSse::in_memory("invoice:invoices:private");
    let key = Key::generate();
    let app = App::new()
        .app_data(Data::new(sse.sse().clone()))
        .service(web::resource("/sse/stream").to(stream))      // your handlers
        .service(log_in)
        .wrap(SessionMiddleware::new(CookieSessionStore::default(), key))
        .wrap(from_fn(track_authorization));
    let app = init_service(app).await;
    let login = |name| TestRequest::post().uri("/login").set_form([("name", name)]).to_request();
    let anne = call_service(&app, login("anne")).await;
    let bob = call_service(&app, login("bob")).await;
    let cookie = |response: &ServiceResponse| response.response().cookies().next().unwrap().into_owned();
    let (anne, bob) = (cookie(&anne), cookie(&bob));

    let stream = |request: TestRequest| request.uri("/sse/stream");
    let mut hers = sse.connect_through(&app, |request| stream(request).cookie(anne.clone()).to_request()).await;
    let mut his = sse.connect_through(&app, |request| stream(request).cookie(bob.clone()).to_request()).await;
    cache().save("invoices", 42).to("user:anne").await.unwrap();
    assert_eq!(hers.next::<u64>("invoice").await, 42);
    his.expect_nothing().await;

    let refused = call_service(&app, stream(TestRequest::get()).to_request()).await;
    assert_eq!(refused.status(), 401);
}
