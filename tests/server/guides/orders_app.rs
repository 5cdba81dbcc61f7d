use std::collections::HashMap;

use actix_web::{Error, HttpResponse, Responder, error::ErrorForbidden, post, web::{Data, Json, Path}};
use actix_web_sse::{Sse, Subscription, cache};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The owner of each order. Your app has them in its database.
struct Orders(HashMap<u64, u64>);

impl Orders {
    async fn may_read(&self, order: u64, user: &User) -> bool {
        user.is_staff || self.0.get(&order) == Some(&user.id)
    }
}

async fn stream(user: User, orders: Data<Orders>, sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    let asked = subscription.asked().filter_map(|name| name.strip_prefix("order:")?.parse().ok());
    let asked: Vec<u64> = asked.collect();
    let mut subscription = subscription.identify(user.id.to_string());
    for order in asked {
        if orders.may_read(order, &user).await {
            subscription = subscription.grant(format!("order:{order}"));
        }
    }
    if user.is_staff {
        subscription = subscription.grant_prefix("order:");
    }
    sse.respond(subscription)
}

#[post("/orders/{order}/sent")]
async fn mark_sent(user: User, order: Path<u64>) -> Result<impl Responder, Error> {
    if !user.is_staff {
        return Err(ErrorForbidden("only the staff sends orders"));
    }
    let status = json!({"order": *order, "status": "sent"});
    cache().save("order_status", status).to(format!("order:{order}")).await?;
    Ok(HttpResponse::NoContent())
}

#[derive(Serialize, Deserialize)]
struct Comment {
    text: String,
    /// The page that it comes from.
    nonce: String,
}

#[post("/orders/{order}/comments")]
async fn add_comment(
    user: User,
    orders: Data<Orders>,
    order: Path<u64>,
    comment: Json<Comment>,
) -> Result<impl Responder, Error> {
    if !orders.may_read(*order, &user).await {
        return Err(ErrorForbidden("this is not your order"));
    }
    cache().save("comments", comment).to(format!("order:{order}")).await?;
    Ok(HttpResponse::NoContent())
}
