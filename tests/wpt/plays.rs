//! The answers that the server plays, and the requests that it received.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use actix_web::{HttpRequest, web::Query};

use crate::answer::Answer;

/// The state of `/play/NAME` for every name.
#[derive(Clone, Default)]
pub(crate) struct Plays(Arc<Mutex<HashMap<String, Play>>>);

#[derive(Default)]
struct Play {
    answers: VecDeque<Answer>,
    requests: Vec<Request>,
    open: usize,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) method: String,
    headers: HashMap<String, String>,
    query: HashMap<String, String>,
}

impl Request {
    fn from_request(request: &HttpRequest) -> Self {
        let headers = request.headers().iter();
        Self {
            at: Instant::now(),
            method: request.method().to_string(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.to_string(), value)
                })
                .collect(),
            query: Query::<HashMap<_, _>>::from_query(request.query_string())
                .unwrap()
                .into_inner(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

impl Plays {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Play>> {
        self.0.lock().unwrap()
    }

    /// The next requests for the name get these answers, one each. A request without an answer waits
    /// for one.
    pub(crate) fn add(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut plays = self.lock();
        plays
            .entry(name.to_owned())
            .or_default()
            .answers
            .extend(answers);
    }

    pub(crate) fn requests(&self, name: &str) -> Vec<Request> {
        let plays = self.lock();
        plays
            .get(name)
            .map_or_else(Vec::new, |play| play.requests.clone())
    }

    /// How many requests were neither answered completely nor aborted.
    pub(crate) fn open(&self, name: &str) -> usize {
        self.lock().get(name).map_or(0, |play| play.open)
    }

    /// How many requests were answered completely or aborted.
    pub(crate) fn ended(&self, name: &str) -> usize {
        let plays = self.lock();
        plays
            .get(name)
            .map_or(0, |play| play.requests.len() - play.open)
    }

    /// Records a request.
    pub(crate) fn begin(&self, name: &str, request: &HttpRequest) -> OpenRequest {
        let mut plays = self.lock();
        let play = plays.entry(name.to_owned()).or_default();
        play.requests.push(Request::from_request(request));
        play.open += 1;
        OpenRequest {
            plays: self.clone(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn next(&self, name: &str) -> Option<Answer> {
        self.lock().get_mut(name)?.answers.pop_front()
    }
}

/// Counts as open until it is dropped.
pub(crate) struct OpenRequest {
    plays: Plays,
    name: String,
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if let Some(play) = self.plays.lock().get_mut(&self.name) {
            play.open -= 1;
        }
    }
}
