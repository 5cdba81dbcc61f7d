async fn stream(user: Option<User>, sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    sse.respond(match user {
        Some(user) => subscription.grant(user.audience()),
        None => subscription,
    })
}
